"""A session beyond its limit of routes: said once, counted, and forgotten when an operator enables it."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.site.sessions import Sessions, over_limit
from trimtab.daemons.bird.wire import ProtocolState
from trimtab.errors import Unreachable

SHUT = "Automatic shutdown: Route limit exceeded"  # as 2.0.12 and 2.17.6 say it


def bgp(name: str, state: str, info: str, kind: str = "BGP") -> ProtocolState:
    return ProtocolState(name, kind, "---", state, "02:31:27.752", info)


class Bird:
    def __init__(self, *states: ProtocolState) -> None:
        self.states: tuple[ProtocolState, ...] | None = states

    async def protocols(self) -> dict[str, ProtocolState]:
        if self.states is None:
            raise Unreachable("no BIRD")
        return {state.name: state for state in self.states}


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
    sessions = Sessions(bird, Log(out), metrics)

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
