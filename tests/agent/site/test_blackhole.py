"""Black holes of a router, with a BIRD that fits on a screen: what stands, what ends it, and what a successor knows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from trimtab.agent.site.blackhole import RouterBlackhole, TellCame
from trimtab.agent.site.blackhole_file import CONF, MEMORY, text
from trimtab.daemons.bird.wire import Adverts, Configured, Prefix, ProtocolState, Route
from trimtab.errors import Refused, Unreachable
from trimtab.ops.blackhole.hole import Came, Hole
from trimtab.ops.blackhole.record import encode, key_of
from trimtab.ops.blackhole.told import BLACKHOLE
from trimtab.registry.base import Write

NOW = 1_800_000_000.0
OWN = tuple(map(ip_network, ("198.18.1.0/24", "2001:db8:1::/48")))
A = Hole(1, "198.18.1.10", ("hk",), (), "ann@x", "flood", NOW, NOW + 600)
B = replace(A, number=2, address="2001:db8:1::a", until=NOW + 60)
ONE = replace(A, number=3, address="198.18.1.11", upstreams=("two",))
SESSIONS = {"up_one4": (4,), "up_one6": (6, 4), "up_two4": (4,), "up_deaf4": (4,)}
ACCEPTING = {"up_one4": "one", "up_one6": "one", "up_two4": "two"}


class FakeBird:
    """Runs on a copy of `blackhole.conf`. follows: whether its configuration includes it. fed: whether a change of it feeds peers."""

    def __init__(self, conf: Path) -> None:
        self.conf, self.running, self.follows, self.fed, self.there = conf, "", True, True, True
        self.told: dict[str, str] = {}
        self.calls: list[str] = []

    async def configure(self) -> Configured:
        self.calls.append("configure")
        if not self.there:
            raise Unreachable("nobody answers")
        self.running = self.conf.read_text() if self.follows else self.running
        if self.fed:
            self.told = dict.fromkeys(SESSIONS, self.running)
        return "done"

    async def protocols(self) -> dict[str, ProtocolState]:
        return {name: ProtocolState(name, "BGP", "---", "up", "10:00", "") for name in SESSIONS}

    async def of_protocol(self, protocol: str, table: str) -> tuple[Route, ...]:
        if not self.there:
            raise Unreachable("nobody answers")
        if not self.running:
            raise Refused("BIRD: syntax error, unexpected CF_SYM_UNDEFINED")
        found = map(ip_network, re.findall(r"route (\S+) blackhole;", self.running))
        return tuple(
            Route(p, "blackhole", protocol, table, True) for p in found if str(p.version) == protocol[-1]
        )

    async def exported(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts:
        (family,) = {each.version for each in prefixes}
        assert family in SESSIONS[protocol]
        lines = re.findall(r'if net = (\S+) && whom = "(\w+)"', self.told.get(protocol, ""))
        told = {ip_network(prefix) for prefix, whom in lines if whom == protocol}
        return {each: frozenset({BLACKHOLE}) for each in prefixes if each in told}

    async def reload_out(self, protocol: str) -> None:
        self.calls.append(f"reload out {protocol}")
        self.told[protocol] = self.running


class Stage:
    """A router of hk. records: what the store says; None: not a word since the start."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.conf, self.wall = folder, folder / CONF, NOW + 1
        self.records: dict[str, bytes] | None = {}
        self.bird = FakeBird(self.conf)
        self.came: list[Came] = []
        self.restart()

    def restart(self) -> None:
        self.controller = RouterBlackhole(
            "hk", "hk-router-1", OWN, SESSIONS, ACCEPTING, self.bird, lambda: self.records,
            lambda came, holes: self.came.append(came), self.folder, wall=lambda: self.wall, settle_s=0.0,
        )  # fmt: skip

    def says(self, *holes: Hole) -> None:
        self.records = {key_of(each): encode(each) for each in holes}

    def sync(self) -> Came:
        self.again = asyncio.run(self.controller.reconcile(frozenset(self.controller.keys()))).requeue_after_s
        return self.came[-1]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_what_the_store_says_is_dropped_and_told(stage: Stage) -> None:
    stage.says(A, B, ONE)
    came = stage.sync()
    assert (came.holes, came.verified, came.amiss) == ((1, 2, 3), True, "")
    assert stage.bird.running == text([A, B, ONE], ACCEPTING)
    assert 'net = 198.18.1.11/32 && whom = "up_two4"' in stage.bird.running
    assert 'net = 198.18.1.11/32 && whom = "up_one4"' not in stage.bird.running
    assert stage.again == {"blackholes": pytest.approx(59.0)}, "it looks again when the first one ends"


def test_it_asks_bird_for_nothing_where_nothing_changes(stage: Stage) -> None:
    stage.says(A)
    first = stage.sync()
    assert stage.sync() == first and stage.bird.calls == ["configure"]


def test_each_ends_at_its_end_by_our_clock_though_the_store_is_gone(stage: Stage) -> None:
    stage.says(A, B)
    stage.sync()
    stage.wall = NOW + 61
    assert stage.sync().holes == (1,) and "2001:db8" not in stage.bird.running
    stage.wall = NOW + 600
    assert stage.sync().holes == () and stage.bird.running == text([], ACCEPTING)


def test_a_successor_without_the_store_knows_what_stood_and_ends_it(stage: Stage) -> None:
    stage.says(A, B)
    stage.sync()
    stage.records = None
    stage.restart()
    assert stage.sync().holes == (1, 2)
    stage.restart()
    stage.wall = NOW + 61
    came = stage.sync()
    assert came.holes == (1,) and came.verified


def test_one_that_never_heard_anything_drops_nothing(stage: Stage) -> None:
    stage.records = None
    (stage.folder / MEMORY).write_text('{"version":1,"records":[1]}')
    assert stage.sync().holes == () and stage.bird.running == text([], ACCEPTING)


def test_a_lifted_one_ends_at_once(stage: Stage) -> None:
    stage.says(A)
    stage.sync()
    stage.says(replace(A, lifted_by="bob", lifted_at=NOW + 1))
    assert stage.sync().holes == () and "198.18.1.10" not in stage.bird.running


def test_one_of_a_later_form_stays_as_it_was_known(stage: Stage) -> None:
    stage.says(A)
    stage.sync()
    stage.records = {key_of(A): b'{"v":2}', key_of(B): b"no JSON"}
    assert stage.sync().holes == (1,)


@pytest.mark.parametrize("address", ["192.0.2.1", "198.18.2.10", "10.1.16.10", "2001:db8:2::1"])
def test_what_is_not_of_the_site_s_prefixes_is_never_announced(stage: Stage, address: str) -> None:
    stage.says(replace(A, address=address))
    assert stage.sync().holes == () and address not in stage.bird.running


def test_one_of_another_site_is_not_ours(stage: Stage) -> None:
    stage.says(replace(A, sites=("sg",)))
    assert stage.sync().holes == ()


def test_a_peer_that_was_not_fed_is_fed(stage: Stage) -> None:
    stage.sync()
    stage.bird.fed = False
    stage.says(A)
    assert stage.sync().verified
    assert stage.bird.calls[2:] == [f"reload out {name}" for name in ("up_one4", "up_one6", "up_two4")]


def test_a_bird_that_does_not_follow_is_told_of(stage: Stage) -> None:
    stage.says(A)
    stage.bird.follows = False
    with pytest.raises(Refused, match="does not run on"):
        stage.sync()
    assert not stage.came[-1].verified and "does its configuration" not in stage.came[-1].amiss


def test_what_a_killed_one_left_undone_is_done_by_the_next(stage: Stage) -> None:
    stage.says(A)
    stage.bird.there = False
    with pytest.raises(Unreachable):
        stage.sync()
    stage.bird.there = True
    stage.restart()
    assert stage.sync().verified


def test_what_it_came_to_is_told_once_and_again_when_it_changes() -> None:
    store: dict[str, bytes] = {}
    came: list[Came] = [Came("hk", "hk-router-1", (), True, NOW)]

    class Writer:
        async def write(self, change: Write) -> int:
            store.update(change.put)
            return 1

    tell: Any = TellCame(Writer(), lambda: came[-1], store.get)  # type: ignore[arg-type]
    asyncio.run(tell.reconcile(frozenset(tell.keys())))
    assert store == {}, "nothing was ever black-holed"
    for holes in ((1,), (1, 2), ()):
        came.append(Came("hk", "hk-router-1", holes, True, NOW))
        asyncio.run(tell.reconcile(frozenset(tell.keys())))
        assert store == {key_of(came[-1]): encode(came[-1])}
