"""What HAProxy's own checks find, as the arbiter hears it."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from tests.agent.control_kit import FakeHaproxy, hosts_pool, member, override, registered, registry_pool, run

from trimtab.agent.membership.desired import Desired
from trimtab.agent.membership.store import Store
from trimtab.agent.proxy.checks import SOON_S, Checks, CheckWatch, told
from trimtab.agent.proxy.haproxy import HaproxyController
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent_config import PoolFile, ProxyFile
from trimtab.errors import Unreachable
from trimtab.registry.base import Batch
from trimtab.registry.codec import decode, encode
from trimtab.registry.record import MAX_DOWN_POOLS, CheckState, Record, Turn, key_of


class Stage:
    """A HAProxy, its controller, and what is told of its checks."""

    def __init__(self, *pools: PoolFile) -> None:
        self.store, self.haproxy = Store(), FakeHaproxy(pools)
        self.desired = Desired(ProxyFile("haproxy", "haproxy.service", pools=pools), self.store)
        self.told: list[tuple[str, ...] | None] = []
        self.again: list[tuple[str, float]] = []
        self.clock = 100.0
        self.checks = Checks("p1", self.desired, lambda: self.told.append(self.down()), lambda: self.clock)
        self.controller = HaproxyController(self.desired, self.haproxy, Metrics(), self.checks)
        self.revision = 1

    def put(self, *records: Record) -> None:
        self.revision += 1
        self.store.apply(Batch(self.revision, tuple((key_of(r), encode(r)) for r in records)), 0.0)
        self.sync()

    def sync(self, *keys: str) -> None:
        self.desired.refresh(self.desired.keys())
        self.desired.commit()
        result = run(self.controller.reconcile(frozenset(keys or self.controller.keys())))
        self.again += result.requeue_after_s.items()

    def down(self) -> tuple[str, ...] | None:
        found = self.checks()
        return None if found is None else found.named

    def turns(self) -> list[tuple[str, bool, float, str]]:
        found = self.checks()
        return [] if found is None else [(each.name, each.up, each.at, each.why) for each in found.turns]

    def turn(self, pool: str, name: str, up: bool) -> None:
        self.haproxy.rows[pool, name] = self.haproxy.rows[pool, name]._replace(up=up)


def one_down() -> Stage:
    stage = Stage(hosts_pool())
    stage.sync()
    stage.turn("web", "host-1", False)
    stage.sync()
    return stage


def test_nothing_is_told_before_everything_was_read_and_nobody_down_is_told_too() -> None:
    stage = Stage(hosts_pool(), registry_pool())
    assert stage.down() is None
    stage.desired.refresh(stage.desired.keys())
    stage.desired.commit()
    run(stage.controller.reconcile(frozenset({"web"})))
    assert stage.down() is None
    stage.sync()
    assert stage.down() == () and stage.told == [()]


@pytest.mark.parametrize("registers", [True, False])
def test_who_is_found_down_is_told_once_and_looked_at_again_until_he_is_up(registers: bool) -> None:
    stage = Stage(registry_pool() if registers else hosts_pool())
    pool, server, name = ("api", "m1", "api/a") if registers else ("web", "host-1", "web/host-1")
    if registers:
        stage.put(*registered(member("a", 1), member("b", 2)))
    stage.sync()
    stage.turn(pool, server, False)
    for _ in range(3):
        stage.sync(pool)
        stage.clock += SOON_S
    assert stage.told == [(), (name,)] and stage.again == [(pool, SOON_S)] * 3
    stage.turn(pool, server, True)
    stage.sync(pool)
    assert stage.told[-1] == () and len(stage.again) == 3


def test_it_is_looked_at_until_it_is_up_though_haproxy_did_not_answer_meanwhile() -> None:
    stage = one_down()
    stage.haproxy.down = True
    with pytest.raises(Unreachable):
        stage.sync()
    stage.haproxy.down, stage.clock = False, stage.clock + SOON_S
    stage.sync()
    assert stage.again == [("web", SOON_S)] * 2


@pytest.mark.parametrize("word", ["drain", "maint"])
def test_whom_an_operator_took_out_nobody_finds_down(word: str) -> None:
    stage = one_down()
    assert stage.down() == ("web/host-1",)
    stage.put(override("host-1", word, pool="web"))
    assert stage.down() == ()


def test_of_a_haproxy_that_does_not_answer_nobody_knows() -> None:
    stage = one_down()
    stage.haproxy.down = True
    with pytest.raises(Unreachable):
        stage.sync()
    assert stage.down() is None and stage.told[-1] is None
    stage.haproxy.down = False
    stage.sync()
    assert stage.down() == ("web/host-1",)


def test_each_turn_is_kept_with_its_moment_and_the_check_s_last_word() -> None:
    stage = Stage(hosts_pool(), registry_pool())
    stage.turn("web", "host-2", False)
    stage.sync()
    assert stage.turns() == [], "nobody knows since when"
    stage.turn("web", "host-1", False)
    stage.sync("web")
    stage.clock += 7.25
    stage.turn("web", "host-1", True)
    stage.sync("web")
    stage.sync("web")
    assert stage.turns() == [("web/host-1", True, 107.2, ""), ("web/host-1", False, 100.0, "L4CON")]


def test_whom_an_operator_took_out_has_not_come_back() -> None:
    stage = one_down()
    stage.put(override("host-1", "drain", pool="web"))
    assert [up for _, up, _, _ in stage.turns()] == [False]


def test_of_very_many_at_once_those_that_are_kept_have_their_word() -> None:
    stage = Stage(registry_pool(slots=40))
    stage.put(*registered(*(member(f"b{n:02}", n) for n in range(1, 41))))
    stage.sync()
    for n in range(1, 41):
        stage.turn("api", f"m{n}", False)
    stage.sync()
    assert len(stage.turns()) > 10 and {why for _, _, _, why in stage.turns()} == {"L4CON"}


def test_that_somebody_is_down_counts_without_the_check_s_word() -> None:
    stage = Stage(hosts_pool())
    stage.sync()
    stage.turn("web", "host-1", False)
    stage.haproxy.mute = True
    stage.sync()
    assert stage.down() == ("web/host-1",) and stage.turns() == [("web/host-1", False, 100.0, "")]


def test_a_check_that_turns_is_seen_without_reading_every_server() -> None:
    stage, marked = Stage(hosts_pool(), registry_pool()), list[Collection[str]]()
    stage.sync()
    watch = CheckWatch(stage.desired, stage.haproxy, marked.append)
    for _ in range(2):
        run(watch.reconcile(frozenset(watch.keys())))
    assert marked == [{"web", "api"}], "what it has never seen"
    read = stage.haproxy.asked
    stage.turn("web", "host-2", False)
    run(watch.reconcile(frozenset(watch.keys())))
    assert marked[1:] == [{"web"}] and stage.haproxy.asked == read


def test_of_many_the_record_has_the_number_and_as_many_names_as_fit() -> None:
    everybody = {f"pool-{n:015}": [f"host-{m:050}" for m in range(300)] for n in range(90)}
    found = told("hk-proxy-1", everybody)
    assert decode(key_of(found), encode(found)) == found
    assert (
        len(found.down) == MAX_DOWN_POOLS
        and set(found.down.values()) == {300}
        and 10 < len(found.named) < 300
    )
    turns = [Turn(f"api/{n:063}", False, 1234567890.1, "L7STS 503") for n in range(90)]
    full = told("hk-proxy-1", everybody, turns)
    assert decode(key_of(full), encode(full)) == full and full.named == found.named
    assert full.turns == tuple(turns[: len(full.turns)]) and len(full.turns) > 5
    assert told("p", {"web": [], "api": ["b", "a"]}) == CheckState("p", {"api": 2}, ("api/a", "api/b"))
