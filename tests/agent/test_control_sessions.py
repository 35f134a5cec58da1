"""A session beyond its limit of routes: said once, counted, and forgotten when an operator enables it."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.site.round_trips import parsed
from trimtab.agent.site.sessions import Sessions, ended, over_limit
from trimtab.daemons.bird.wire import BfdState, Channel, ProtocolState
from trimtab.errors import Unreachable

SHUT = "Automatic shutdown: Route limit exceeded"  # as 2.0.12 and 2.17.6 say it


def bgp(name: str, state: str, info: str, kind: str = "BGP") -> ProtocolState:
    return ProtocolState(name, kind, "---", state, "02:31:27.752", info)


class Bird:
    def __init__(self, *states: ProtocolState) -> None:
        self.states: tuple[ProtocolState, ...] | None = states

        self.channels_: dict[str, tuple[Channel, ...]] = {}
        self.bfd_ = {"198.51.100.1": BfdState(True, "02:31:27.752")}

    async def neighbours(self) -> dict[str, str]:
        return {"up_a4": "198.51.100.1", "up_b4": "198.51.100.9"}

    async def bfd(self) -> dict[str, BfdState]:
        return self.bfd_

    async def channels(self) -> dict[str, tuple[Channel, ...]]:
        return self.channels_

    async def protocols(self) -> dict[str, ProtocolState]:
        if self.states is None:
            raise Unreachable("no BIRD")
        return {state.name: state for state in self.states}


async def nobody() -> dict[str, float]:
    return {}


def test_only_what_the_limit_has_shut_counts() -> None:
    states = (
        bgp("up_a4", "down", SHUT),
        bgp("up_b4", "down", ""),
        bgp("up_c4", "up", "Established"),
        bgp("up_d4", "start", "Active        Received: Maximum number of prefixes reached"),
        bgp("static1", "down", SHUT, "Static"),
    )
    assert over_limit({state.name: state for state in states}) == {"up_a4"}


def test_an_operator_is_told_once_and_told_when_it_is_over() -> None:
    out, metrics = io.StringIO(), Metrics()
    bird = Bird(bgp("up_a4", "down", SHUT), bgp("up_b4", "up", "Established"))
    sessions = Sessions(bird, Log(out), metrics, nobody)

    def look() -> tuple[list[str], list[float]]:
        asyncio.run(sessions.reconcile(frozenset()))
        said = [json.loads(line) for line in out.getvalue().splitlines()]
        values = [metrics.over_limit.labels(name)._value.get() for name in ("up_a4", "up_b4")]
        return [f"{each['level']} {each['session']} {each.get('hint', '')}" for each in said], values

    told = "error up_a4 when the neighbour sends less: birdc enable up_a4"
    assert look() == ([told], [1, 0])
    assert look() == ([told], [1, 0])
    bird.states = (bgp("up_a4", "up", "Established"), bgp("up_b4", "up", "Established"))
    assert look() == ([told, "info up_a4 "], [0, 0])
    bird.states = None
    with pytest.raises(Unreachable):
        look()
    assert metrics.over_limit.labels("up_a4")._value.get() == 0


def test_a_validator_of_no_use_is_told_with_what_that_means() -> None:
    out, metrics = io.StringIO(), Metrics()
    bird = Bird(bgp("validator_1", "up", "Established", "RPKI"))
    bird.channels_ = {"validator_1": (Channel("roa4", 7, 0, 0), Channel("roa6", 2, 0, 0))}
    sessions = Sessions(bird, Log(out), metrics, nobody)

    def look() -> list[str]:
        asyncio.run(sessions.reconcile(frozenset()))
        said = [json.loads(line) for line in out.getvalue().splitlines()]
        return [f"{each['level']} {each.get('why', '')}" for each in said]

    assert look() == []
    assert metrics.sessions.roas.labels("validator_1", "roa4")._value.get() == 7
    bird.channels_["validator_1"] += (Channel("aspa", 3, 0, 0),)
    assert look() == []
    assert metrics.sessions.aspas.labels("validator_1")._value.get() == 3
    bird.states = (bgp("validator_1", "start", "Transport-Error", "RPKI"),)
    away = "error it does not answer: its last answer counts until it expires"
    assert look() == [away] == look()
    assert metrics.sessions.validator_up.labels("validator_1")._value.get() == 0
    bird.states, bird.channels_ = (
        (bgp("validator_1", "up", "Established", "RPKI"),),
        {"validator_1": (Channel("aspa", 3, 0, 0),)},
    )
    assert look() == [away, "error it knows no ROA: no route is refused for its origin"]
    bird.channels_ = {"validator_1": (Channel("roa4", 7, 0, 0),)}
    assert look()[2:] == ["info "]
    bird.states = (bgp("validator_1", "start", "Cache-Error-No-Data-Available", "RPKI"),)
    assert look()[3:] == ["error it has no data: its last answer counts until it expires"]


@pytest.mark.parametrize(
    ("before", "now", "flapped"),
    [
        (None, ("up", "02:31:27.752"), False),
        (("start", "02:31:27.752"), ("up", "02:31:29.000"), False),
        (("up", "02:31:27.752"), ("up", "02:31:27.758"), False),
        (("up", "02:31:27.752"), ("start", "02:31:40.000"), True),
        (("up", "02:31:27.752"), ("up", "02:31:40.000"), True),
        (("up", "02:31:27.752"), ("up", "2026-01-01"), False),
        (("up", "2026-01-01"), ("up", "2026-01-01"), False),
        (("up", "2026-01-01"), ("up", "02:31:27.752"), True),
        (("up", "2026-01-01"), ("up", "2026-01-02"), True),
    ],
)
def test_a_flap_is_counted_though_nobody_saw_it_down(
    before: tuple[str, str] | None, now: tuple[str, str], flapped: bool
) -> None:
    def state(told: tuple[str, str]) -> ProtocolState:
        return ProtocolState("up_a4", "BGP", "---", told[0], told[1], "Established")

    assert ended(state(before) if before else None, state(now)) is flapped


# `ss` of iproute2 6.1, shortened
SS = """\
0      0           198.51.100.2:179        198.51.100.1:41234
\t cubic wscale:7,7 rto:204 rtt:1.532/0.75 ato:40 mss:1448
0      0      [2001:db8:ff01::2]:34567  [2001:db8:ff01::1]:179
\t cubic wscale:7,7 rto:204 rtt:0.2/0.1 ato:40
0      0      [fe80::2]%up0:34567  [fe80::1]:179
\t cubic rto:204 rtt:0.4/0.1
0      0      [fe80::2]%up1:34568  [fe80::1]:179
\t cubic rto:204 rtt:0.8/0.1
"""


def test_a_round_trip_is_that_of_the_sessions_own_connection() -> None:
    assert parsed(SS) == {
        "198.51.100.1": 0.001532, "2001:db8:ff01::1": 0.0002,
        "fe80::1%up0": 0.0004, "fe80::1%up1": 0.0008,
    }  # fmt: skip
    metrics, asked = Metrics(), []

    async def trips() -> dict[str, float]:
        asked.append(1)
        return parsed(SS)

    sessions = Sessions(Bird(bgp("up_a4", "up", "Established")), Log(io.StringIO()), metrics, trips)
    for _ in range(7):
        asyncio.run(sessions.reconcile(frozenset()))
    assert metrics.sessions.rtt.labels("up_a4")._value.get() == 0.001532 and len(asked) == 2
    assert metrics.sessions.bfd.labels("up_a4")._value.get() == 1


def test_bfd_is_told_and_its_flaps_are_counted_though_nobody_saw_it_down() -> None:
    metrics = Metrics()
    bird = Bird(bgp("up_a4", "up", "Established"))
    sessions = Sessions(bird, Log(io.StringIO()), metrics, nobody)

    def look(*states: BfdState) -> tuple[float, float]:
        bird.bfd_ = dict(zip(("198.51.100.1",), states, strict=False))
        asyncio.run(sessions.reconcile(frozenset()))
        told = metrics.sessions
        return told.bfd.labels("up_a4")._value.get(), told.bfd_flaps.labels("up_a4")._value.get()

    assert look(BfdState(True, "02:31:27.752")) == (1, 0)
    assert look(BfdState(True, "02:31:27.755")) == (1, 0)
    assert look(BfdState(True, "02:31:40.000")) == (1, 1)
    assert look(BfdState(False, "02:31:50.000")) == (0, 2)
    assert look(BfdState(True, "02:31:55.000")) == (1, 2)
    assert look() == (0, 3), "BIRD forgets a session of BFD with the one that asked for it"
    assert look() == (0, 3)
    assert look(BfdState(True, "02:32:55.000")) == (1, 3)
