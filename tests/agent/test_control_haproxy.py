"""HAProxy is brought to what is desired, and a new process is noticed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from tests.agent.control_kit import FakeHaproxy, hosts_pool, member, override, registered, registry_pool, run

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.store import Store
from trimtab.agent.proxy.haproxy import FLOORS, SPLITS, HaproxyController, HaproxyWatch
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent_config import PoolFile, ProxyFile, Server, SplitFile
from trimtab.daemons.haproxy.dumps import Info
from trimtab.daemons.haproxy.wire import Outcome
from trimtab.errors import Refused, Terminal, Unreachable
from trimtab.registry.base import Batch, Snapshot
from trimtab.registry.codec import encode
from trimtab.registry.record import Record, Split, key_of

MAPS = "/run/haproxy"


class Stage:
    """A proxy, a store, and the controller between them."""

    def __init__(self, *pools: PoolFile, splits: tuple[SplitFile, ...] = ()) -> None:
        proxy = ProxyFile("haproxy", "haproxy.service", pools=pools, splits=splits)
        self.store, self.haproxy = Store(), FakeHaproxy(pools)
        self.desired = Desired(proxy, self.store)
        self.controller = HaproxyController(self.desired, self.haproxy, Metrics())
        self.revision = 1

    def put(self, *records: Record) -> None:
        self.revision += 1
        changes = tuple((key_of(r), encode(r)) for r in records)
        self.store.apply(Batch(self.revision, changes), 0.0)

    def sync(self, *keys: str) -> Any:
        self.desired.refresh(self.desired.keys())
        self.desired.commit()
        self.haproxy.said.clear()
        return run(self.controller.reconcile(frozenset(keys or self.controller.keys()))).failed


def test_registered_members_take_their_places_in_both_backends() -> None:
    stage = Stage(registry_pool())
    stage.put(*registered(member("a", 1), member("b", 25, weight=10)))
    assert stage.sync() == {}
    for backend in ("api", "api--panic"):
        assert stage.haproxy.serving(backend) == {1: ("10.1.0.1:8080", 100), 25: ("10.1.0.25:8080", 10)}
    assert stage.haproxy.maps[f"{MAPS}/floor.map"] == {"api": "1"}


def test_twice_says_nothing() -> None:
    stage = Stage(registry_pool(), hosts_pool(), splits=(SplitFile("s", "api+web", {"api": 1, "web": 1}),))
    stage.put(
        *registered(member("a", 1), member("b", 25)),
        override("b", "drain"),
        override("host-1", "maint", pool="web"),
    )
    stage.sync()
    assert stage.sync() == {}
    assert stage.haproxy.said == []


def test_drain_maint_and_back() -> None:
    stage = Stage(hosts_pool())
    stage.put(override("host-1", "drain", pool="web"), override("host-2", "maint", pool="web"))
    stage.sync()
    assert set(stage.haproxy.serving("web")) == {3}
    stage.put(override("host-1", pool="web"), override("host-2", pool="web"))
    stage.sync()
    assert set(stage.haproxy.serving("web")) == set(stage.haproxy.serving("web--panic")) == {1, 2, 3}


def test_a_member_that_left_loses_its_place() -> None:
    stage = Stage(registry_pool())
    stage.put(*registered(member("a", 1), member("b", 25)))
    stage.sync()
    stage.store.apply(Batch(9, (("members/api/b", None), ("ids/api/25", None))), 0.0)
    stage.sync()
    assert set(stage.haproxy.serving("api")) == {1}
    assert ("api", "m25") not in stage.haproxy.rows


def test_knowing_nobody_empties_no_pool() -> None:
    stage = Stage(registry_pool())
    stage.haproxy.have("api", 1, "m1", "10.1.0.1", 8080, True)
    stage.sync()
    assert set(stage.haproxy.serving("api")) == {1}
    assert stage.haproxy.said == []


def test_an_empty_registry_empties_no_pool() -> None:
    stage = Stage(registry_pool())
    stage.put(*registered(member("a", 1), member("b", 2)))
    stage.sync()
    stage.store.replace(Snapshot(1, {}), 1.0)
    stage.sync()
    assert set(stage.haproxy.serving("api")) == {1, 2}


def test_backups_of_the_file_stay_where_they_are() -> None:
    spare = Server(1001, "spare-1", "10.9.0.1:80", backup=True)
    stage = Stage(registry_pool(servers=(spare,)))
    del stage.haproxy.rows["api--panic", "spare-1"]  # backups are not in the second backend
    stage.put(*registered(member("a", 1)))
    stage.sync()
    assert set(stage.haproxy.serving("api")) == {1, 1001}
    assert set(stage.haproxy.serving("api--panic")) == {1}
    stage.put(override("spare-1", "maint"))
    stage.sync()
    assert set(stage.haproxy.serving("api")) == {1}


def test_many_dirty_pools_are_one_question() -> None:
    stage = Stage(*(registry_pool(f"p{i}", slots=1) for i in range(30)))
    for i in range(30):
        stage.put(*registered(member("a", 1, pool=f"p{i}")))
    stage.sync()
    assert stage.haproxy.asked == 1
    stage.sync("p1", "p2")
    assert stage.haproxy.asked == 2
    assert all(set(stage.haproxy.serving(f"p{i}")) == {1} for i in range(30))


def test_split_maps_are_replaced_only_when_they_differ() -> None:
    stage = Stage(hosts_pool("a"), hosts_pool("b"), splits=(SplitFile("s", "a+b", {"a": 95, "b": 5}),))
    stage.sync()
    assert stage.haproxy.maps[f"{MAPS}/split.map"] == {"s/a+b/a": "9500", "s/a+b/b": "10000"}
    assert stage.haproxy.maps[f"{MAPS}/by.map"] == {"s/a+b": "percent"}
    stage.put(Split("s", "a+b", {"a": 1, "b": 1}, "cookie"))
    stage.sync(SPLITS)
    assert stage.haproxy.maps[f"{MAPS}/split.map"] == {"s/a+b/a": "5000", "s/a+b/b": "10000"}
    assert stage.haproxy.maps[f"{MAPS}/by.map"] == {"s/a+b": "cookie"}


def test_a_floor_is_set_by_itself() -> None:
    stage = Stage(hosts_pool("a", 4, panic=50), hosts_pool("b", 4, panic=50))
    stage.sync()
    assert stage.haproxy.maps[f"{MAPS}/floor.map"] == {"a": "2", "b": "2"}
    stage.put(override("host-1", "maint", pool="a"), override("host-2", "maint", pool="a"))
    stage.sync(FLOORS)
    assert stage.haproxy.maps[f"{MAPS}/floor.map"] == {"a": "1", "b": "2"}
    assert stage.haproxy.said == [f"set map {MAPS}/floor.map a 1"]


def test_before_everything_is_decided_no_map_is_touched() -> None:
    stage = Stage(hosts_pool("a"), hosts_pool("b"))
    stage.haproxy.maps[f"{MAPS}/floor.map"] = {"a": "1", "b": "1"}
    stage.desired.refresh(["a"])
    stage.desired.commit()
    run(stage.controller.reconcile(frozenset(stage.controller.keys())))
    assert stage.haproxy.maps[f"{MAPS}/floor.map"] == {"a": "1", "b": "1"}


def test_what_haproxy_refuses_fails_its_pool_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(hosts_pool("a"), hosts_pool("b"))
    stage.put(override("host-1", "maint", pool="a"), override("host-1", "maint", pool="b"))
    real = stage.haproxy.run

    async def refusing(commands: Any) -> tuple[Outcome, ...]:
        found = await real([c for c in commands if not c.backend.startswith("a")])
        return (*found, *(Outcome(c, "refused", "no") for c in commands if c.backend.startswith("a")))

    monkeypatch.setattr(stage.haproxy, "run", refusing)
    failures = stage.sync()
    assert set(failures) == {"a"}
    assert isinstance(failures["a"], Refused)
    assert set(stage.haproxy.serving("b")) == {2, 3}


def test_a_value_that_haproxy_may_not_be_given_fails_its_pool_alone_and_for_good() -> None:
    stage = Stage(hosts_pool("a b"), hosts_pool("c"))
    for key in [key for key in stage.haproxy.rows if key[1] == "host-1"]:
        stage.haproxy.rows[key] = stage.haproxy.rows[key]._replace(ready=False)
    failures = stage.sync()
    assert {key: type(error) for key, error in failures.items()} == {"a b": Terminal}
    assert set(stage.haproxy.serving("c")) == {1, 2, 3}


def test_a_pool_that_haproxy_does_not_have_fails_alone() -> None:
    stage = Stage(hosts_pool("a"), registry_pool("b"))
    for key in [key for key in stage.haproxy.rows if key[0].startswith("b")]:
        del stage.haproxy.rows[key]
    real = stage.haproxy.servers

    async def servers(*pools: str | None) -> Any:
        if "b" in pools:
            raise Refused("HAProxy has no such backend")
        return await real(*pools)

    stage.haproxy.servers = servers  # type: ignore[method-assign]
    stage.put(override("host-1", "maint", pool="a"), *registered(member("x", 1, pool="b")))
    failures = stage.sync()
    assert set(failures) == {"b"}
    assert "b and b--panic" in str(failures["b"])
    assert set(stage.haproxy.serving("a")) == {2, 3}


def test_a_proxy_that_is_away_is_an_error_for_the_loop() -> None:
    stage = Stage(hosts_pool("a"))
    stage.haproxy.down = True
    with pytest.raises(Unreachable):
        stage.sync()


def test_another_process_is_noticed_once() -> None:
    told: list[int] = []
    haproxy = FakeHaproxy(())
    watch = HaproxyWatch(haproxy, Metrics(), lambda: told.append(haproxy.pid))
    for pid in (100, 100, 101, 101):
        haproxy.pid = pid
        run(watch.reconcile(frozenset()))
    assert told == [100, 101]
    haproxy.down = True
    with pytest.raises(Unreachable):
        run(watch.reconcile(frozenset()))
    haproxy.down = False
    run(watch.reconcile(frozenset()))
    assert told == [100, 101, 101], "who was away may have missed something"


def test_a_process_that_only_ends_its_connections_is_none() -> None:
    told: list[int] = []
    haproxy, metrics = FakeHaproxy(()), Metrics()
    watch = HaproxyWatch(haproxy, metrics, lambda: told.append(haproxy.pid))
    run(watch.reconcile(frozenset()))
    real = haproxy.info
    haproxy.pid = 99

    async def stopping() -> Info:
        return Info(haproxy.pid, "2.6", 1, True)

    haproxy.info = stopping  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="stopping"):
        run(watch.reconcile(frozenset()))
    assert (watch.pid, told) == (100, [100])
    haproxy.info, haproxy.pid = real, 101  # type: ignore[method-assign]
    run(watch.reconcile(frozenset()))
    assert told == [100, 101]
    assert metrics.registry.get_sample_value("trimtab_proxy_generations_total") == 2


def test_a_question_that_failed_is_no_new_generation() -> None:
    haproxy, metrics = FakeHaproxy(()), Metrics()
    watch = HaproxyWatch(haproxy, metrics, lambda: None)
    for haproxy.down in (False, True, False, True, False):
        with suppress(Unreachable):
            run(watch.reconcile(frozenset()))
    assert metrics.registry.get_sample_value("trimtab_proxy_generations_total") == 1
