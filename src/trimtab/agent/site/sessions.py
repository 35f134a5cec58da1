"""A router's sessions that ended because the neighbour sent more routes than are taken (`import limit … action disable`).

BIRD keeps them down: whoever leaks does so again at once. It takes an operator, who is told by a line and by a metric.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.daemons.bird.wire import ProtocolState

PACE = Pace(window=0.0, resync=5.0, first=0.5, most=15.0)
LIMIT = "Route limit exceeded"  # BIRD 2.0 and 2.17, in the last column of `show protocols`
BGP = "BGP"


class ProtocolsLike(Protocol):
    async def protocols(self) -> dict[str, ProtocolState]: ...


class Sessions:
    """Changes nothing; says who is over its limit once, and when that is over."""

    name = "sessions"

    def __init__(self, bird: ProtocolsLike, log: Log, metrics: Metrics) -> None:
        self._bird, self._log, self._metrics = bird, log, metrics
        self._over: frozenset[str] = frozenset()

    def keys(self) -> Collection[str]:
        return ("sessions",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Raises DriverError where BIRD does not answer: what was said last stands."""
        states = await self._bird.protocols()
        over = over_limit(states)
        for name, state in states.items():
            if state.kind == BGP:
                self._metrics.over_limit.labels(name).set(int(name in over))
        for name in sorted(over - self._over):
            self._log.error(
                "session over its limit of routes, it stays down",
                session=name,
                hint=f"when the neighbour sends less: birdc enable {name}",
            )
        for name in sorted(self._over - over):
            self._log.info("session is no longer shut by its limit of routes", session=name)
        self._over = over
        return DONE


def over_limit(states: Mapping[str, ProtocolState]) -> frozenset[str]:
    return frozenset(
        name
        for name, state in states.items()
        if state.kind == BGP and state.state == "down" and LIMIT in state.info
    )
