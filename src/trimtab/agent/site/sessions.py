"""What a router's sessions and RPKI validators are doing, as metrics; and lines for what takes an operator.

A session whose neighbour sent more routes than are taken (`import limit … action disable`) BIRD keeps down: whoever leaks does so
again at once. A validator that is away costs nothing yet: its last answer counts until it expires.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.site.round_trips import by_session, round_trips
from trimtab.daemons.bird.wire import ASPA, BfdState, Channel, ProtocolState

PACE = Pace(window=0.0, resync=5.0, first=0.5, most=15.0)
LIMIT = "Route limit exceeded"  # BIRD 2.0 and 2.17, in the last column of `show protocols`
BGP, RPKI = "BGP", "RPKI"
NO_DATA = "No-Data"  # of BIRD's word for what a cache says that has none (RFC 8210, 8.4)
EVERY = 6  # rounds
JITTER_S = 0.5  # BIRD reckons a time of day anew at each question
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


class ProtocolsLike(Protocol):
    async def protocols(self) -> dict[str, ProtocolState]: ...
    async def channels(self) -> dict[str, tuple[Channel, ...]]: ...
    async def neighbours(self) -> dict[str, str]: ...
    async def bfd(self) -> dict[str, BfdState]: ...


RoundTrips = Callable[[], Awaitable[Mapping[str, float]]]


class Sessions:
    """Changes nothing; says who is over its limit and which validator is of no use, each once, and when that is over."""

    name = "sessions"

    def __init__(
        self, bird: ProtocolsLike, log: Log, metrics: Metrics, asked: RoundTrips = round_trips
    ) -> None:
        self._bird, self._log, self._metrics, self._asked = bird, log, metrics, asked
        self._round, self._addresses = 0, dict[str, str]()
        self._over: frozenset[str] = frozenset()
        self._useless: dict[str, str] = {}
        self._before: Mapping[str, ProtocolState] = {}
        self._bfd: Mapping[str, BfdState] = {}

    def keys(self) -> Collection[str]:
        return ("sessions",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Raises DriverError where BIRD does not answer: what was said last stands."""
        states = await self._bird.protocols()
        channels = await self._bird.channels()
        self._count(states, channels)
        self._limits(states)
        self._validators(useless(states, channels))
        self._before = states
        await self._neighbours()
        self._round += 1
        return DONE

    async def _neighbours(self) -> None:
        """Round trips less often: a program is run for them."""
        told, rare = self._metrics.sessions, self._round % EVERY == 0
        if rare:
            self._addresses = await self._bird.neighbours()
        states = by_session(self._addresses, await self._bird.bfd())
        for name, state in states.items():
            told.bfd.labels(name).set(int(state.up))
            told.bfd_flaps.labels(name).inc(int(lapsed(self._bfd.get(name), state)))
        for name in self._bfd.keys() - states.keys():  # BIRD forgets it with the session that asked for it
            told.bfd.labels(name).set(0)
            told.bfd_flaps.labels(name).inc(int(self._bfd[name].up))
        self._bfd = states
        for name, rtt in by_session(self._addresses, await self._asked() if rare else {}).items():
            told.rtt.labels(name).set(rtt)

    def _count(
        self, states: Mapping[str, ProtocolState], channels: Mapping[str, tuple[Channel, ...]]
    ) -> None:
        told = self._metrics.sessions
        for name, state in states.items():
            if state.kind == BGP:
                told.up.labels(name).set(int(state.state == "up"))
                told.flaps.labels(name).inc(int(ended(self._before.get(name), state)))
                for each in channels.get(name, ()):
                    for word in ("imported", "filtered", "exported"):
                        told.routes.labels(name, each.name, word).set(getattr(each, word))
            elif state.kind == RPKI:
                told.validator_up.labels(name).set(int(answers(state)))
                for each in channels.get(name, ()):
                    if each.name == ASPA:
                        told.aspas.labels(name).set(each.imported)
                    else:
                        told.roas.labels(name, each.name).set(each.imported)

    def _limits(self, states: Mapping[str, ProtocolState]) -> None:
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

    def _validators(self, now: dict[str, str]) -> None:
        for name, why in now.items():
            if self._useless.get(name) != why:
                self._log.error("RPKI validator of no use", validator=name, why=why)
        for name in self._useless:
            if name not in now:
                self._log.info("RPKI validator answers with ROAs again", validator=name)
        self._useless = now


def over_limit(states: Mapping[str, ProtocolState]) -> frozenset[str]:
    return frozenset(
        name
        for name, state in states.items()
        if state.kind == BGP and state.state == "down" and LIMIT in state.info
    )


def answers(state: ProtocolState) -> bool:
    """Of a validator: is it connected, and has told everything?"""
    return state.state == "up" and state.info.startswith("Established")


def useless(
    states: Mapping[str, ProtocolState], channels: Mapping[str, tuple[Channel, ...]]
) -> dict[str, str]:
    """Validator → why nothing, or nothing new, is learnt from it."""
    found = {}
    for name, state in sorted(states.items()):
        roas = sum(each.imported for each in channels.get(name, ()) if each.name != ASPA)
        if state.kind != RPKI or (answers(state) and roas):
            continue
        if answers(state):
            found[name] = "it knows no ROA: no route is refused for its origin"
        else:
            silent = "it has no data" if NO_DATA in state.info else "it does not answer"
            counts = (
                "its last answer counts until it expires" if roas else "no route is refused for its origin"
            )
            found[name] = f"{silent}: {counts}"
    return found


def ended(before: ProtocolState | None, now: ProtocolState) -> bool:
    """Has a session that was up been down since?"""
    return (
        before is not None and before.state == "up" and (now.state != "up" or anew(before.since, now.since))
    )


def lapsed(before: BfdState | None, now: BfdState) -> bool:
    """The same of a BFD session."""
    return before is not None and before.up and (not now.up or anew(before.since, now.since))


def anew(before: str, now: str) -> bool:
    """Is it another moment? A time becomes a date once it is a day old; a date becomes nothing else by itself."""
    first, second = _TIME.fullmatch(before), _TIME.fullmatch(now)
    if first is None or second is None:
        return first is None and before != now
    return abs(_seconds(second) - _seconds(first)) > JITTER_S


def _seconds(time: re.Match[str]) -> float:
    return int(time[1]) * 3600 + int(time[2]) * 60 + float(time[3])
