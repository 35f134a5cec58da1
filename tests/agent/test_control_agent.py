"""The whole agent, with everything around it standing in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import (
    FakeHaproxy,
    FakeRegistry,
    FakeUnits,
    events,
    hosts_pool,
    member,
    override,
    paths,
    registered,
    registry_pool,
    run,
    silent,
    until,
)

from trimtab.agent.agent import Agent, Drivers
from trimtab.agent.membership.saver import Saver
from trimtab.agent.membership.store import Store
from trimtab.agent.registration.publish import Publish
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.sd_notify import notify, watchdog_s
from trimtab.agent_config import AgentFile, Probe, ProxyFile, RegistryAccess, SplitFile, Unit
from trimtab.errors import BadInput
from trimtab.registry.base import Snapshot
from trimtab.registry.record import Claim, Split

POOLS = (registry_pool(), hosts_pool())
SPLITS = (SplitFile("shop", "api+web", {"api": 95, "web": 5}),)
PROXY = ProxyFile("haproxy", "haproxy.service", pools=POOLS, splits=SPLITS)
UNITS = (Unit("haproxy.service", Probe("process")), Unit("bird.service", Probe("process")))
FILE = AgentFile(
    "hk-proxy-1",
    "hk",
    "shop",
    "10.1.0.9",
    0,
    "systemd",
    UNITS,
    RegistryAccess("etcd", ("x",), "/t"),
    PROXY,
    discovers=("api",),
)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metrics, "serve", lambda self, address, port: lambda: None)


class Stage:
    def __init__(self, root: Path) -> None:
        self.paths = paths(root)
        self.registry, self.haproxy = FakeRegistry(), FakeHaproxy(POOLS)
        self.units = FakeUnits("haproxy.service", "bird.service", "nginx.service")
        self.log, self.stream = silent()
        self.drivers = Drivers(lambda _: self.registry, lambda _: self.haproxy, lambda _: self.units)

    def agent(self, file: AgentFile = FILE) -> Agent:
        made = Agent(file, self.paths, self.log, self.drivers)
        made.begin()
        return made

    async def kill(self, agent: Agent) -> None:
        """As by kill -9, as far as one process can."""
        for task in agent._tasks:
            task.cancel()
        await asyncio.gather(*agent._tasks, return_exceptions=True)

    def members(self) -> Any:
        return json.loads(self.paths.members.read_text())

    def status(self) -> Any:
        return json.loads(self.paths.status.read_text())

    def serving(self) -> set[int]:
        return set(self.haproxy.serving("api"))


def story(root: Path, work: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        await work(Stage(root))

    run(told())


def test_from_the_registry_to_the_proxy_the_files_and_back(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        stage.registry.put(*registered(member("a", 1), member("b", 2)))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1, 2})
        stage.registry.put(override("a", "drain"), Split("shop", "api+web", {"api": 1, "web": 1}))
        await until(lambda: stage.serving() == {2}, 1)
        await until(lambda: stage.haproxy.maps["/run/haproxy/split.map"]["shop/api+web/api"] == "5000", 1)
        assert stage.members()["pools"]["api"]["1"]["weight"] == 0
        await until(lambda: stage.status()["pools"]["api"]["members"][0]["weight"] == 0, 3)
        status = stage.status()
        assert status["registry"]["state"] == "following"
        assert status["splits"]["shop/api+web"]["shares"] == {"api": 1, "web": 1}
        assert status["units"] == {"haproxy.service": "works", "bird.service": "works"}
        assert status["pools"]["api"]["members"][1] == {
            "id": 2, "name": "b", "address": "10.1.0.2:8080", "weight": 100, "ready": True, "known": "passing",
            "state": "ready",
        }  # fmt: skip
        assert json.loads(stage.registry.records["hosts/hk-proxy-1"])["units"]["bird.service"] == "works"
        await agent.end()
        assert {key for key in stage.registry.records if key.startswith("members")} == {
            "members/api/a",
            "members/api/b",
        }

    story(tmp_path, work)


def test_the_members_file_is_written_before_the_proxy_is_told(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        seen: list[bool] = []
        real = stage.haproxy.run

        async def looking(commands: Any) -> Any:
            if any("m7 " in c.line for c in commands):
                seen.append("7" in stage.members()["pools"]["api"])
            return await real(commands)

        stage.haproxy.run = looking  # type: ignore[method-assign]
        agent = stage.agent()
        stage.registry.put(*registered(member("g", 7)))
        await until(lambda: stage.serving() == {7})
        assert seen
        assert all(seen)
        await agent.end()

    story(tmp_path, work)


def test_a_start_without_a_registry_goes_on_as_it_was(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        stage.registry.put(*registered(member("a", 1), member("b", 2)), override("b", "maint"))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1})
        await asyncio.sleep(6)  # store.json is written at leisure
        await stage.kill(agent)
        before = stage.paths.members.read_bytes()
        stage.registry.down = True
        stage.haproxy = FakeHaproxy(POOLS)
        agent = stage.agent()
        await until(lambda: stage.serving() == {1}, 2)
        assert stage.paths.members.read_bytes() == before
        assert [m["name"] for m in stage.status()["pools"]["api"]["members"]] == ["a", "b"]
        stage.registry.down = False
        stage.registry.put(override("b"))
        await until(lambda: stage.serving() == {1, 2}, 8)
        await agent.end()

    story(tmp_path, work)


@pytest.mark.parametrize("lost", [["store.json"], ["members.json"], ["store.json", "members.json"]])
@pytest.mark.parametrize("how", ["gone", "spoilt"])
def test_lost_state_empties_no_pool(tmp_path: Path, lost: list[str], how: str) -> None:
    async def work(stage: Stage) -> None:
        stage.registry.put(*registered(member("a", 1), member("b", 2)))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1, 2} and (stage.paths.store).exists())
        await stage.kill(agent)
        for name in lost:
            (stage.paths.state / name).write_text("{") if how == "spoilt" else (
                stage.paths.state / name
            ).unlink()
        stage.registry.down = True
        agent = stage.agent()
        await asyncio.sleep(30)
        assert stage.serving() == {1, 2}
        stage.registry.down = False
        await until(lambda: agent.proxy and agent.proxy.state == "following")
        await asyncio.sleep(1)
        assert stage.serving() == {1, 2}
        await agent.end()

    story(tmp_path, work)


@pytest.mark.parametrize(("proxy", "wanted"), [(PROXY, "following"), (None, "reachable")])
def test_the_status_tells_soon_that_the_registry_has_gone(
    tmp_path: Path, proxy: ProxyFile | None, wanted: str
) -> None:
    async def work(stage: Stage) -> None:
        def told() -> str:
            return str(stage.status()["registry"]["state"]) if stage.paths.status.exists() else ""

        agent = stage.agent(replace(FILE, proxy=proxy))
        await until(lambda: told() == wanted, 8)
        stage.registry.down = True
        await until(lambda: told() == "away", 8)
        stage.registry.down = False
        await until(lambda: told() == wanted, 8)
        await agent.end()

    story(tmp_path, work)


def test_a_wiped_registry_empties_nothing_and_gets_the_operators_word_back(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        for i in range(1, 4):
            stage.registry.put(*registered(member(f"n{i}", i)))
        stage.registry.put(override("n1", "maint"))
        agent = stage.agent()
        await until(lambda: stage.serving() == {2, 3})
        stage.registry.down = True
        await asyncio.sleep(5)
        stage.registry.wipe()
        stage.registry.down = False
        await until(lambda: "hand/api/n1" in stage.registry.records, 10)
        assert stage.serving() == {2, 3}
        stage.registry.put(*registered(member("n2", 2)))
        await asyncio.sleep(5)
        assert stage.serving() == {2, 3}
        await agent.end()

    story(tmp_path, work)


def test_who_cannot_register_again_is_given_back_to_a_wiped_registry(tmp_path: Path) -> None:
    """b by hand, and of c the agent is stopped: nobody but those who followed the registry knows them."""

    async def work(stage: Stage) -> None:
        given = registered(member("a", 1), member("b", 2), member("c", 3))
        stage.registry.revision = 100
        stage.registry.put(*given)
        agent = stage.agent()
        await until(lambda: stage.serving() == {1, 2, 3})
        lost = {"members/api/b", "members/api/c", "ids/api/2"}
        for restarts in (False, True):
            stage.registry.put(*(override("nobody", weight=i) for i in range(20)))
            await asyncio.sleep(6)  # store.json is written at leisure
            stage.registry.down = True
            await asyncio.sleep(5)
            stage.registry.wipe()
            stage.registry.put(*given[:3], Claim("api", 3, "c"))
            if restarts:
                await stage.kill(agent)
                agent = stage.agent()
            stage.registry.down = False
            await until(lambda: lost <= stage.registry.records.keys(), 10)
            await asyncio.sleep(100)
            assert stage.serving() == {1, 2, 3}
            assert agent.proxy and not agent.proxy.store.orphans
        stage.registry.drop("members/api/b", "ids/api/2")
        await until(lambda: stage.serving() == {1, 3}, 1)
        await agent.end()

    story(tmp_path, work)


def test_a_later_word_of_an_operator_replaces_the_older_one_of_a_restored_registry(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        stage.registry.revision = 100
        stage.registry.put(*registered(member("a", 1), member("b", 2)), override("a", "maint", at=50.0))
        agent = stage.agent()
        await until(lambda: stage.serving() == {2})
        stage.registry.down = True
        await asyncio.sleep(5)
        stage.registry.wipe()
        stage.registry.put(*registered(member("a", 1), member("x", 2)), override("a", at=40.0))
        stage.registry.down = False
        await until(lambda: b"maint" in stage.registry.records["hand/api/a"], 10)
        assert stage.serving() == {2}
        assert stage.haproxy.rows["api", "m2"].address == "10.1.0.2"
        await agent.end()

    story(tmp_path, work)


def test_the_saved_records_of_an_agent_that_runs_are_recent(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        at, path = [1e9], tmp_path / "store.json"
        store = Store()
        saver = Saver(store, path, lambda: at[0])
        await saver.reconcile(frozenset())
        assert not path.exists(), "what nobody has read yet replaces no file"
        store.replace(Snapshot(7, {}), 0.0)
        written = []
        for at[0] in (1e9, 1e9 + 100, 1e9 + 240, 1e9 - 50):  # the last one: the clock was set back
            await saver.reconcile(frozenset())
            written.append(json.loads(path.read_text())["saved"] - 1e9)
        assert written == [0, 0, 240, -50]

    story(tmp_path, work)


def test_what_a_host_says_of_itself_is_written_when_it_is_news(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        said, leases = {"x.service": "works"}, []
        lease = Lease(stage.registry, lambda: leases.append(1))
        publish = Publish(stage.registry, lease, "host-1", lambda: said)
        for _ in range(5):
            await publish.reconcile(frozenset())
        assert stage.registry.writes == 1
        said["x.service"] = "T"
        await publish.reconcile(frozenset())
        assert stage.registry.writes == 2
        stage.registry.wipe()
        lease.lost(await lease.get())
        await publish.reconcile(frozenset())
        assert "hosts/host-1" in stage.registry.records

    story(tmp_path, work)


def test_another_haproxy_process_is_filled_within_a_second_or_so(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        stage.registry.put(*registered(member("a", 1)))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1})
        fresh = FakeHaproxy(POOLS)
        stage.haproxy.rows, stage.haproxy.maps, stage.haproxy.pid = fresh.rows, fresh.maps, 101
        await until(lambda: stage.serving() == {1} and stage.haproxy.maps["/run/haproxy/floor.map"], 1.5)
        stage.haproxy.down = True
        await asyncio.sleep(60)
        stage.haproxy.rows, stage.haproxy.down, stage.haproxy.pid = FakeHaproxy(POOLS).rows, False, 102
        await until(lambda: stage.serving() == {1}, 1.5)
        await agent.end()

    story(tmp_path, work)


def test_a_crashing_controller_takes_no_other_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> Any:
        raise ZeroDivisionError("a defect")

    async def work(stage: Stage) -> None:
        monkeypatch.setattr("trimtab.agent.status.describe", defect)
        monkeypatch.setattr("trimtab.agent.supervision.healer.decide", defect)
        monkeypatch.setattr("trimtab.agent.membership.saver.store_text", defect)
        stage.registry.put(*registered(member("a", 1)))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1})
        await asyncio.sleep(20)
        stage.registry.put(*registered(member("b", 2)))
        await until(lambda: stage.serving() == {1, 2}, 1)
        assert "controller crashed" in events(stage.stream)
        monkeypatch.undo()
        monkeypatch.setattr(Metrics, "serve", lambda self, address, port: lambda: None)
        await until(
            lambda: stage.paths.status.exists() and agent._healer.words.get("bird.service") == "works", 20
        )
        await agent.end()

    story(tmp_path, work)


def test_nginx_reads_each_change_by_at_most_one_reload_a_second(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        agent = stage.agent(replace(FILE, proxy=replace(PROXY, engine="nginx", unit="nginx.service")))
        await until(lambda: stage.units.reloaded)
        for i in range(1, 41):
            stage.registry.put(*registered(member(f"n{i}", i)))
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        assert len(stage.members()["pools"]["api"]) == 40
        times = [at for _, at in stage.units.reloaded]
        assert 4 <= len(times) <= 8
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))
        count = len(times)
        await asyncio.sleep(60)
        assert len(stage.units.reloaded) == count
        await agent.end()

    story(tmp_path, work)


def test_a_host_without_proxy_registers_and_reads_nothing_else(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        stage.paths.register.mkdir(parents=True)
        (stage.paths.register / "api.json").write_text('{"pool":"api","port":8080}')
        agent = stage.agent(replace(FILE, proxy=None, units=()))
        await until(lambda: "alive/api/hk-proxy-1" in stage.registry.records)
        reads = stage.registry.reads
        await asyncio.sleep(600)
        assert stage.registry.reads == reads
        status = stage.status()
        assert status["registry"]["state"] == "reachable"
        assert status["registrations"] == [
            {
                "pool": "api",
                "name": "hk-proxy-1",
                "address": "10.1.0.9",
                "port": 8080,
                "id": 1,
                "state": "registered",
            }
        ]
        await agent.end()
        assert "alive/api/hk-proxy-1" in stage.registry.records, "the lease ends by itself"

    story(tmp_path, work)


def test_what_this_host_may_not_register_and_what_is_held_is_told(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        files = stage.paths.register
        files.mkdir(parents=True)
        (files / "a.json").write_text('{"pool":"api","port":8080}')
        agent = stage.agent(replace(FILE, proxy=None, units=()))
        await until(lambda: "alive/api/hk-proxy-1" in stage.registry.records)
        stage.registry.put(*registered(member("other", 7)))
        (files / "a.json").unlink()
        (files / "b.json").write_text('{"pool":"api","port":8080,"name":"other"}')
        (files / "c.json").write_text('{"pool":"wbe","port":8080}')
        await asyncio.sleep(30)
        status = stage.status()
        assert {(each["key"], each["reason"]) for each in status["refused"]} == {
            ("register.d/b.json", "name_taken"),
            ("register.d/c.json", "registration"),
        }
        assert "10.1.0.7:8080, which is alive" in status["refused"][0]["why"]
        states = {each["name"]: (each["state"], each.get("held_by")) for each in status["registrations"]}
        assert states == {"other": ("wanted", None), "hk-proxy-1": ("held", "register.d/c.json")}
        count = agent.metrics.registry.get_sample_value
        assert count("trimtab_records_refused_total", {"reason": "name_taken"}) == 1.0
        (files / "c.json").unlink()
        await until(lambda: "members/api/hk-proxy-1" not in stage.registry.records, 5)
        stage.registry.drop("alive/api/other")
        await until(lambda: b"10.1.0.9" in stage.registry.records["members/api/other"], 30)
        await until(lambda: stage.status()["refused"] == [], 12)
        await agent.end()

    story(tmp_path, work)


def test_a_host_without_a_registry_lives(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        agent = stage.agent(replace(FILE, registry=None))
        await until(lambda: stage.haproxy.maps["/run/haproxy/floor.map"] == {"api": "1", "web": "1"})
        await until(lambda: stage.paths.status.exists())
        assert stage.status()["registry"]["state"] == "none"
        await agent.end()

    story(tmp_path, work)


def test_certificates_may_come_later_than_the_agent(tmp_path: Path) -> None:
    async def work(stage: Stage) -> None:
        tries: list[int] = []

        def connect(_: RegistryAccess) -> Any:
            tries.append(1)
            if len(tries) < 5:
                raise BadInput("host.crt is not there")
            return stage.registry

        stage.drivers = replace(stage.drivers, registry=connect)
        stage.registry.put(*registered(member("a", 1)))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1}, 20)
        await agent.end()

    story(tmp_path, work)


def test_what_prometheus_reads(tmp_path: Path) -> None:
    from prometheus_client import generate_latest

    async def work(stage: Stage) -> None:
        stage.registry.put(*registered(member("a", 1), member("b", 2)), override("b", "maint"))
        agent = stage.agent()
        await until(lambda: stage.serving() == {1})
        await asyncio.sleep(1)
        text = generate_latest(agent.metrics.registry).decode()
        for line in (
            'trimtab_pool_members{pool="api",state="ready"} 1.0',
            'trimtab_pool_members{pool="api",state="maint"} 1.0',
            'trimtab_pool_health{known="passing",pool="api"} 2.0',
            "trimtab_registry_up 1.0",
            'trimtab_unit_escalated{unit="bird.service"} 0.0',
            'trimtab_reconciles_total{controller="haproxy"}',
        ):
            assert line in text
        await agent.end()

    story(tmp_path, work)


def test_the_manager_is_told(tmp_path: Path) -> None:
    import socket

    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        notify("READY=1", {"NOTIFY_SOCKET": path})
        assert manager.recv(100) == b"READY=1"
    notify("READY=1", {"NOTIFY_SOCKET": path})
    notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "none")})
    notify("READY=1", {})
    assert watchdog_s({"WATCHDOG_USEC": "4000000"}) == 2.0
    assert watchdog_s({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}) == 0.0
    assert watchdog_s({}) == 0.0
