"""Whom HAProxy's own checks find down. A member that is well by its own word may be out of the proxies' reach, and whoever
is taken out beside it would be missed: so the arbiter hears what the proxies find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from trimtab.control.desired import Desired
from trimtab.control.loop import Failures
from trimtab.control.queue import Pace
from trimtab.drivers.haproxy.members import Have
from trimtab.drivers.registry.record import MAX_DOWN, MAX_DOWN_POOLS, CheckState
from trimtab.render.agent_file import PoolFile

PACE = Pace(window=0.0, resync=1.0, most=1.0)
SOON_S = 0.3  # a pool with somebody who is down is looked at again after so long, a large one later
EARLY_S = 0.01  # a timer may ring so much before its time
ROOM = 2000  # bytes for names; the counts of MAX_DOWN_POOLS need less than that, and a record has 4096
SERVERS_A_SECOND = 1000  # so much is read of a large one


class Checks:
    """What was read last, by the proxy on `host`. changed: told when it is another. again: asked to have a pool read again in
    so many seconds.
    """

    def __init__(
        self,
        host: str,
        desired: Desired,
        changed: Callable[[], None],
        again: Callable[[str, float], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._desired, self._changed, self._again = host, desired, changed, again
        self._now = now
        self._down: dict[str, frozenset[str]] = {}
        self._due: dict[str, float] = {}  # by pool, when the look that was asked for is

    def __call__(self) -> CheckState | None:
        """None: not all has been read."""
        if not self._desired.pools or self._desired.pools.keys() - self._down.keys():
            return None
        return told(self._host, self._down)

    def note(self, files: Iterable[PoolFile], have: Have) -> None:
        before = self()
        for file in files:
            rows = have.get(file.name, {})
            decision = self._desired.served[file.name]
            self._down[file.name] = frozenset(
                each.name
                for want, each in zip(decision.wants, decision.known, strict=True)
                if want.ready and want.weight and (row := rows.get(each.id)) and row.ready and not row.up
            )
            self._look_again(file.name, len(rows))
        if self() != before:
            self._changed()

    def forget(self, files: Iterable[PoolFile]) -> None:
        """HAProxy does not answer: what it found is over."""
        before = self()
        for file in files:
            self._down.pop(file.name, None)
        if self() != before:
            self._changed()

    def _look_again(self, pool: str, servers: int) -> None:
        """One look at a time: a pool is read for other reasons too, and each of these would begin a chain of its own."""
        now, pause = self._now(), max(SOON_S, servers / SERVERS_A_SECOND)
        if self._down[pool] and now >= self._due.get(pool, now):
            self._due[pool] = now + pause - EARLY_S
            self._again(pool, pause)


def told(host: str, found: Mapping[str, Collection[str]]) -> CheckState:
    """Pool → who is down, as much of it as one record holds: how many before who."""
    pools = sorted(pool for pool, names in found.items() if names)[:MAX_DOWN_POOLS]
    down, left = {pool: len(found[pool]) for pool in pools}, ROOM
    named: list[str] = []
    for name in (f"{pool}/{name}" for pool in pools for name in sorted(found[pool])):
        left -= len(name) + 3
        if left < 0 or len(named) == MAX_DOWN:
            break
        named.append(name)
    return CheckState(host, down, tuple(named))


class UsableLike(Protocol):
    async def usable(self) -> Mapping[str, int]: ...


class CheckWatch:
    """Whether a check has turned, at the price of a row a backend. marked: told the pools that are to be read again."""

    name = "haproxy-checks"

    def __init__(
        self, desired: Desired, runtime: UsableLike, marked: Callable[[Collection[str]], None]
    ) -> None:
        self._desired, self._runtime, self._marked = desired, runtime, marked
        self._last: Mapping[str, int] = {}

    def keys(self) -> Collection[str]:
        return ("checks",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        found, before = await self._runtime.usable(), self._last
        self._last = found
        turned = {name for name, count in found.items() if before.get(name) != count}
        if pools := turned & self._desired.served.keys():
            self._marked(pools)
        return {}
