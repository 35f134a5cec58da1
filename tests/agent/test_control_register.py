"""What a host registers: files read with suspicion, numbers, leases, wiped registries, and the way out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import FakeRegistry, events, member, registered, run, silent, until

from trimtab.agent.registration.folder import Defaults, Folder, parse, saved_members, saved_text
from trimtab.agent.registration.plan import numbers, plan, plan_removal
from trimtab.agent.registration.register import FOLDER_PACE, PACE, FolderWatch, Register
from trimtab.agent.runtime.lease import PACE as LEASE_PACE
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.loop import Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.errors import Conflict
from trimtab.registry.base import Write
from trimtab.registry.codec import encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import Claim, Member, key_of

POOLS = ("api", "web")
DEFAULTS = Defaults("hk-backend-1", "10.1.0.50", POOLS)


def write(folder: Path, name: str, /, **body: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(body))


class Host:
    """An agent's registering part."""

    def __init__(self, registry: FakeRegistry, folder: Path, defaults: Defaults = DEFAULTS) -> None:
        self.refused: list[tuple[str, str]] = []
        self.log, self.stream = silent()
        self.path = folder / "register.d"
        self.folder = Folder(self.path, defaults, lambda file, why: self.refused.append((file, why)))
        lease = Lease(registry, self._fresh)
        self.register = Register(
            registry, self.folder, lease, folder / "registered.json", self.log, self._taken
        )
        watch = FolderWatch(self.folder, lambda: self.loops[1].urge())
        pairs = [(lease, LEASE_PACE), (self.register, PACE), (watch, FOLDER_PACE)]
        self.loops = [Loop(c, pace, self.log, Metrics(), lambda: 0.5) for c, pace in pairs]  # type: ignore[arg-type]
        self.tasks = [asyncio.create_task(loop.run()) for loop in self.loops]

    def _taken(self, key: str, reason: str, why: str) -> None:
        self.refused.append((key, reason))

    def _fresh(self) -> None:
        self.loops[1].urge()

    async def die(self) -> None:
        """As by kill -9: at any await."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def ids(registry: FakeRegistry, pool: str = "api") -> dict[str, int]:
    found = {}
    for key, value in registry.records.items():
        if key.startswith(f"members/{pool}/"):
            found[key.rsplit("/", 1)[1]] = json.loads(value)["id"]
    return found


def whole(registry: FakeRegistry, name: str, pool: str = "api") -> bool:
    number = ids(registry, pool).get(name)
    keys = (f"members/{pool}/{name}", f"alive/{pool}/{name}", f"ids/{pool}/{number}")
    return all(key in registry.records for key in keys)


def story(work: Callable[[FakeRegistry, Path], Any], folder: Path) -> None:
    async def told() -> None:
        await work(FakeRegistry(), folder)

    run(told())


# ---- the files


def test_a_file_with_little_gets_the_hosts_own_name_and_address() -> None:
    found = parse(b'{"pool":"api","port":8080}', DEFAULTS)
    assert found == Member("api", "hk-backend-1", "10.1.0.50", 8080, 1)


def test_a_file_with_everything() -> None:
    body = {
        "pool": "api",
        "port": 1,
        "address": "2001:db8::1",
        "name": "x",
        "weight": 5,
        "version": "1.2",
        "tags": ["a"],
    }
    found = parse(json.dumps(body).encode(), DEFAULTS)
    assert found == Member("api", "x", "2001:db8::1", 1, 1, 5, "1.2", ("a",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"pool":"api"}',
        b'{"port":80}',
        b'{"pool":"api","port":"80"}',
        b'{"pool":"api","port":true}',
        b'{"pool":"api","port":70000}',
        b'{"pool":"a/b","port":80}',
        b'{"pool":["api"],"port":80}',
        b'{"pool":"api","port":80,"weight":1000}',
        b'{"pool":"api","port":80,"name":"../x"}',
        b'{"pool":"api","port":80,"address":"127.0.0.1"}',
        b'{"pool":"api","port":80,"address":"example.org"}',
        b'{"pool":"api","port":80,"id":7}',
        b'{"pool":"api","port":80,"wieght":7}',
        b'{"pool":"api","port":80,"tags":"a"}',
    ],
)
def test_a_bad_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadRecord):
        parse(content, DEFAULTS)


def test_a_file_that_becomes_bad_keeps_what_it_said(tmp_path: Path) -> None:
    refused: list[str] = []
    folder = Folder(tmp_path, DEFAULTS, lambda file, why: refused.append(file))
    write(tmp_path, "api.json", pool="api", port=8080)
    assert folder.look()
    (tmp_path / "api.json").write_text("{")
    for _ in range(3):
        folder.look()
    assert set(folder.wanted) == {"api/hk-backend-1"}
    assert refused == ["api.json"], "said once"
    write(tmp_path, "api.json", pool="api", port=8081)
    assert folder.look()
    assert folder.refused() == {}
    (tmp_path / "api.json").unlink()
    assert folder.look()
    assert folder.wanted == {}


def test_of_two_files_for_one_endpoint_the_first_holds(tmp_path: Path) -> None:
    folder = Folder(tmp_path, DEFAULTS)
    write(tmp_path, "b.json", pool="api", port=2)
    write(tmp_path, "a.json", pool="api", port=1)
    folder.look()
    assert folder.wanted["api/hk-backend-1"].port == 1
    assert set(folder.refused()) == {"b.json"}
    (tmp_path / "a.json").unlink()
    folder.look()
    assert folder.wanted["api/hk-backend-1"].port == 2
    assert folder.refused() == {}


def test_what_is_no_registration_is_left_alone(tmp_path: Path) -> None:
    for name in ("README", ".api.json", "api.json.new", "api.json~"):
        (tmp_path / name).write_text("{")
    (tmp_path / "folder.json").mkdir()
    folder = Folder(tmp_path, DEFAULTS)
    folder.look()
    assert (folder.wanted, set(folder.refused())) == ({}, {"folder.json"})


def test_no_folder_is_an_empty_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "none", DEFAULTS)
    for _ in range(3):
        assert not folder.look()
        assert not folder.gone("api/x") and folder.unsure(), "it was never there: this says nothing"


def test_gone_is_what_two_looks_in_a_row_did_not_see(tmp_path: Path) -> None:
    folder, key = Folder(tmp_path, DEFAULTS), "api/hk-backend-1"
    write(tmp_path, "api.json", pool="api", port=8080)
    for _ in range(3):
        folder.look()
        assert not folder.gone(key)
    (tmp_path / "api.json").unlink()
    assert folder.look() and not folder.gone(key)
    write(tmp_path, "api.json", pool="api", port=8080)  # an editor's way to write
    assert folder.look() and not folder.gone(key)
    (tmp_path / "api.json").unlink()
    assert folder.look() and not folder.gone(key)
    assert folder.look() and folder.gone(key)
    assert not folder.look() and folder.gone(key)


@pytest.mark.parametrize("how", ["broken", "a link to nothing", "one too many"])
def test_nobody_is_gone_while_a_file_is_bad(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "ok.json", pool="web", port=8080)
    bad = tmp_path / "z.json"
    if how == "a link to nothing":
        bad.symlink_to(tmp_path / "none")
    else:
        bad.write_text("{")
    monkeypatch.setattr("trimtab.agent.registration.folder.MAX_FILES", 1 if how == "one too many" else 256)
    folder = Folder(tmp_path, DEFAULTS)
    for _ in range(4):
        folder.look()
        assert not folder.gone("api/hk-backend-1") and folder.unsure()
    bad.unlink()
    folder.look()
    assert folder.look() and folder.gone("api/hk-backend-1")


def test_one_bad_entry_does_not_cost_what_is_remembered() -> None:
    saved = json.loads(saved_text({"api/x": member("x", 3)}))
    saved["registered"] |= {"api/y": {"port": 0}, "api/z": 7, "z": {}}
    assert saved_members(saved) == {"api/x": member("x", 3)}


# ---- the plans


def records(*given: Any) -> dict[str, bytes]:
    return {key_of(each): encode(each) for each in given}


@pytest.mark.parametrize(
    ("present", "last", "first"),
    [
        ([], None, [1, 2, 3]),
        ([], 9, [9, 1, 2]),
        ([Claim("api", 9, "other")], 9, [1, 2, 3]),
        ([Claim("api", 1, "x"), Claim("api", 2, "y")], None, [3, 4, 5]),
        ([member("x", 1)], None, [2, 3, 4]),
        ([Claim("api", 5, "me")], 9, [5, 9, 1]),
        ([Claim("api", 5, "me"), Claim("api", 4, "me"), member("me", 5)], None, [5, 4, 1]),
        ([Claim("web", 1, "x")], None, [1, 2, 3]),
    ],
)
def test_numbers_the_one_it_has_the_one_it_had_the_lowest_free(
    present: list[Any], last: int | None, first: list[int]
) -> None:
    found = numbers(records(*present), member("me", 1), last)
    assert [next(found) for _ in range(3)] == first


def test_the_first_plan_claims_and_the_second_has_nothing_to_put() -> None:
    me = member("me", 3)
    first = plan({}, me, 77)
    assert set(first.absent) == {"ids/api/3", "members/api/me", "alive/api/me"}
    assert set(first.put) == {"members/api/me", "ids/api/3"}
    assert (set(first.leased), first.lease) == ({"alive/api/me"}, 77)
    second = plan(dict(first.put), me, 77)
    assert (second.put, second.absent) == ({}, ("alive/api/me",))
    assert set(second.equal) == {"ids/api/3", "members/api/me"}


def test_further_numbers_in_its_name_are_given_back() -> None:
    found = plan(
        records(Claim("api", 1, "me"), Claim("api", 2, "me"), Claim("api", 4, "other")), member("me", 1), 7
    )
    assert found.delete == ("ids/api/2",)


def test_the_way_out_takes_nothing_of_another_host() -> None:
    me = member("me", 3)
    mine = records(me, Claim("api", 3, "me"), Claim("api", 4, "other"))
    change = plan_removal(mine, me)
    assert change is not None
    assert set(change.delete) == {"members/api/me", "ids/api/3"}
    elsewhere = records(Member("api", "me", "10.8.8.8", 8080, 3), Claim("api", 3, "me"))
    assert plan_removal(elsewhere, me) is None
    assert plan_removal({}, me) is None


# ---- the whole, against a registry


def test_registered_kept_and_quiet(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1"))
        writes, reads = registry.writes, registry.reads
        await asyncio.sleep(120)
        assert whole(registry, "hk-backend-1")
        assert (registry.writes, registry.reads) == (writes, reads), (
            "at rest nothing is written and nothing read"
        )
        assert events(host.stream) == ["registered"]
        await host.die()

    story(work, tmp_path)


def test_a_changed_file_changes_the_member_and_keeps_its_number(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        registry.put(*registered(member("other", 1)))
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: ids(registry).get("hk-backend-1") == 2)
        registry.drop("members/api/other", "ids/api/1")
        write(folder / "register.d", "api.json", pool="api", port=8080, weight=9, version="2.0")
        await until(lambda: b"2.0" in registry.records["members/api/hk-backend-1"], 3)
        assert ids(registry) == {"hk-backend-1": 2}
        await host.die()

    story(work, tmp_path)


def test_a_file_that_goes_deregisters_even_while_the_agent_is_away(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "a.json", pool="api", port=8080)
        write(folder / "register.d", "b.json", pool="web", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1") and whole(registry, "hk-backend-1", "web"))
        (folder / "register.d" / "a.json").unlink()
        await until(lambda: not ids(registry), 3)
        await host.die()
        (folder / "register.d" / "b.json").unlink()
        host = Host(registry, folder)
        await until(lambda: not ids(registry, "web"), 3)
        await until(
            lambda: not [key for key in registry.records if key.startswith(("members", "ids", "alive"))]
        )
        assert json.loads((folder / "registered.json").read_text())["registered"] == {}
        await host.die()

    story(work, tmp_path)


def _broken(folder: Path) -> None:
    (folder / "api.json").write_text("{")


def _away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _unreadable(folder: Path) -> None:
    _away(folder)
    folder.write_text("no folder")  # root may read every folder, but not list a file


@pytest.mark.parametrize("spoil", [_broken, _away, _unreadable])
def test_what_cannot_be_read_after_a_restart_takes_nobody_out(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1"))
        await host.die()
        spoil(folder / "register.d")
        told: list[bool] = []
        host = Host(registry, folder)
        for _ in range(300):
            await asyncio.sleep(0.1)
            told.append(ids(registry) == {"hk-backend-1": 1})
        assert all(told)
        assert whole(registry, "hk-backend-1"), "and it is kept up"
        registry.wipe()
        await until(lambda: whole(registry, "hk-backend-1"), 15)
        await host.die()

    story(work, tmp_path)


def test_a_restart_takes_nobody_out_for_a_moment(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1"))
        await host.die()
        again = Host(registry, folder)
        await until(lambda: again.register.working())
        await again.die()
        assert [change for batch in registry.history for change in batch.changes if change[1] is None] == []

    story(work, tmp_path)


def test_a_number_that_a_proxy_gave_back_is_taken_up_again(tmp_path: Path) -> None:
    """It comes between the host's read and its write."""

    class Race(FakeRegistry):
        wiped = False

        async def write(self, change: Write) -> int:
            if self.wiped and "ids/api/5" in change.absent and "ids/api/5" not in self.records:
                self.put(Claim("api", 5, "hk-backend-1"), member("hk-backend-1", 5))
            return await super().write(change)

    async def work() -> None:
        registry = Race()
        registry.put(*registered(*(member(f"n{i}", i) for i in range(1, 5))))
        write(tmp_path / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, tmp_path)
        await until(lambda: whole(registry, "hk-backend-1"))
        registry.wipe()
        registry.wiped = True
        await until(lambda: whole(registry, "hk-backend-1"), 15)
        assert ids(registry) == {"hk-backend-1": 5}
        await host.die()

    run(work())


def test_a_lost_lease_is_granted_anew(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1"))
        registry.leases.clear()
        registry.drop("alive/api/hk-backend-1")
        await until(lambda: whole(registry, "hk-backend-1"), 5)
        assert registry.bound["alive/api/hk-backend-1"] in registry.leases
        await host.die()

    story(work, tmp_path)


def test_a_lease_that_a_write_finds_ended_is_replaced_for_all(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: whole(registry, "hk-backend-1"))
        registry.leases.clear()
        registry.drop("alive/api/hk-backend-1")
        write(folder / "register.d", "web.json", pool="web", port=8080)
        await until(lambda: whole(registry, "hk-backend-1") and whole(registry, "hk-backend-1", "web"), 4)
        assert set(registry.bound.values()) == set(registry.leases)
        await host.die()

    story(work, tmp_path)


@pytest.mark.parametrize("away", [0.0, 60.0])
def test_a_wiped_registry_gets_everything_back_with_the_same_number(tmp_path: Path, away: float) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        registry.put(*registered(*(member(f"n{i}", i) for i in range(1, 5))))
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        await until(lambda: ids(registry).get("hk-backend-1") == 5)
        registry.down = bool(away)
        await asyncio.sleep(away)
        registry.wipe()
        registry.down = False
        await until(lambda: whole(registry, "hk-backend-1"), 9)
        assert ids(registry) == {"hk-backend-1": 5}
        await host.die()

    story(work, tmp_path)


def test_a_record_that_somebody_removed_comes_back(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, folder)
        for lost in ("members/api/hk-backend-1", "ids/api/1", "alive/api/hk-backend-1"):
            await until(lambda: whole(registry, "hk-backend-1"), 15)
            registry.drop(lost)
        await until(lambda: whole(registry, "hk-backend-1"), 15)
        await host.die()

    story(work, tmp_path)


def test_many_hosts_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    async def work(registry: FakeRegistry, folder: Path) -> None:
        hosts = []
        for i in range(24):
            name = f"host-{i}"
            write(folder / name / "register.d", "api.json", pool="api", port=8080)
            hosts.append(Host(registry, folder / name, Defaults(name, f"10.1.0.{i + 1}", POOLS)))
        await until(lambda: len(ids(registry)) == 24, 10)
        assert sorted(ids(registry).values()) == list(range(1, 25))
        await asyncio.gather(*(host.die() for host in hosts))

    story(work, tmp_path)


def test_a_number_taken_in_between_is_not_fought_for(tmp_path: Path) -> None:
    class Race(FakeRegistry):
        async def write(self, change: Write) -> int:
            if "ids/api/1" in change.absent and "ids/api/1" not in self.records:
                self.put(*registered(member("faster", 1)))
                raise Conflict("faster")
            return await super().write(change)

    async def work() -> None:
        registry = Race()
        write(tmp_path / "register.d", "api.json", pool="api", port=8080)
        host = Host(registry, tmp_path)
        await until(lambda: whole(registry, "hk-backend-1"))
        assert ids(registry) == {"faster": 1, "hk-backend-1": 2}
        await host.die()

    run(work())


def test_killed_at_any_step_it_is_whole_after_the_next_start(tmp_path: Path) -> None:
    """Every await of the first registration in turn is the last one."""

    async def work(registry: FakeRegistry, folder: Path) -> None:
        write(folder / "register.d", "api.json", pool="api", port=8080)
        for steps in range(1, 40):
            registry.wipe()
            (folder / "registered.json").unlink(missing_ok=True)
            host = Host(registry, folder)
            for _ in range(steps):
                await asyncio.sleep(0)
            await host.die()
            host = Host(registry, folder)
            await until(lambda: whole(registry, "hk-backend-1"), 15)
            assert len([key for key in registry.records if key.startswith("ids/")]) == 1
            (folder / "register.d" / "api.json").rename(folder / "api.json")
            await until(
                lambda: not [key for key in registry.records if key.startswith(("ids/", "members/"))], 5
            )
            (folder / "api.json").rename(folder / "register.d" / "api.json")
            await host.die()

    story(work, tmp_path)
