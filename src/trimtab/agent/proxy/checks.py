"""Whom HAProxy's own checks find down. A member that is well by its own word may be out of the proxies' reach, and whoever
is taken out beside it would be missed: so the arbiter hears what the proxies find.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from trimtab.agent.membership.desired import Desired
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent_config import PoolFile
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.daemons.haproxy.members import Have
from trimtab.registry.record import MAX_DOWN, MAX_DOWN_POOLS, MAX_TURNS, CheckState, Turn

PACE = Pace(window=0.0, resync=1.0, most=1.0)
SOON_S = 0.3  # a pool with somebody who is down is looked at again after so long, a large one later
# Bytes for names and for turns: with the counts of MAX_DOWN_POOLS, at most 29 each, a record has 4096.
ROOM, ROOM_TURNS = 1400, 850
TURN_BYTES = 52  # of one, beside its texts
SERVERS_A_SECOND = 1000  # so much is read of a large one


class PoolLook(NamedTuple):
    """One reading of a pool. down: of those that are to serve, by name → id; back: who was down before; rows: servers."""

    down: Mapping[str, int]
    back: frozenset[str]
    rows: int


class Checks:
    """What was read last, by the proxy on `host`, and how it turned. changed: told when it is another.
    wall: seconds since 1970.
    """

    def __init__(
        self,
        host: str,
        desired: Desired,
        changed: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host, self._desired, self._changed, self._wall = host, desired, changed, wall
        self._down: dict[str, frozenset[str]] = {}
        self._turns: deque[Turn] = deque(maxlen=MAX_TURNS)  # newest first

    def __call__(self) -> CheckState | None:
        """None: not all has been read."""
        if not self._desired.pools or self._desired.pools.keys() - self._down.keys():
            return None
        return told(self._host, self._down, tuple(self._turns))

    def look(self, files: Iterable[PoolFile], have: Have) -> dict[str, PoolLook]:
        return {file.name: self._look(file.name, have.get(file.name, {})) for file in files}

    def fallen(self, looks: Mapping[str, PoolLook]) -> list[tuple[str, int]]:
        """Who is down and was not: pool and id."""
        return [(pool, look.down[name]) for pool, look in looks.items() for name in self._fallen(pool, look)]

    def _fallen(self, pool: str, look: PoolLook) -> list[str]:
        """Nobody where the pool has not been read before: nobody knows since when."""
        before = self._down.get(pool, look.down)
        return sorted(name for name in look.down if name not in before)

    def note(self, looks: Mapping[str, PoolLook], words: Mapping[tuple[str, int], str]) -> None:
        """words: (pool, id) → HAProxy's word for the last check, as far as it was asked."""
        before, at = self(), round(self._wall(), 1)
        for pool, look in looks.items():
            for name in self._fallen(pool, look):
                self._turns.appendleft(
                    Turn(f"{pool}/{name}", False, at, words.get((pool, look.down[name]), ""))
                )
            for name in sorted(look.back):
                self._turns.appendleft(Turn(f"{pool}/{name}", True, at))
            self._down[pool] = frozenset(look.down)
        if self() != before:
            self._changed()

    def _look(self, pool: str, rows: Mapping[int, ServerState]) -> PoolLook:
        was, decision = self._down.get(pool, frozenset()), self._desired.served[pool]
        down: dict[str, int] = {}
        back: set[str] = set()
        for want, each in zip(decision.wants, decision.known, strict=True):
            if want.ready and want.weight and (row := rows.get(each.id)) and row.ready:
                if not row.up:
                    down[each.name] = each.id
                elif each.name in was:
                    back.add(each.name)
        return PoolLook(down, frozenset(back), len(rows))

    def forget(self, files: Iterable[PoolFile]) -> None:
        """HAProxy does not answer: what it found is over."""
        before = self()
        for file in files:
            self._down.pop(file.name, None)
        if self() != before:
            self._changed()


def again(looks: Mapping[str, PoolLook]) -> dict[str, float]:
    """Pool → seconds until it is to be read again: one with somebody who is down, so that his return is known soon."""
    return {pool: max(SOON_S, look.rows / SERVERS_A_SECOND) for pool, look in looks.items() if look.down}


def told(host: str, found: Mapping[str, Collection[str]], turns: Iterable[Turn] = ()) -> CheckState:
    """Pool → who is down, as much of it as one record holds: how many before who. turns: newest first."""
    pools = sorted(pool for pool, names in found.items() if names)[:MAX_DOWN_POOLS]
    down, left = {pool: len(found[pool]) for pool in pools}, ROOM
    named: list[str] = []
    for name in (f"{pool}/{name}" for pool in pools for name in sorted(found[pool])):
        left -= len(name) + 3
        if left < 0 or len(named) == MAX_DOWN:
            break
        named.append(name)
    return CheckState(host, down, tuple(named), tuple(_fitting(turns)))


def _fitting(turns: Iterable[Turn]) -> Iterator[Turn]:
    left = ROOM_TURNS
    for turn in turns:
        left -= TURN_BYTES + len(turn.name) + len(turn.why)
        if left < 0:
            return
        yield turn


class UsableLike(Protocol):
    async def usable(self, pools: Container[str]) -> Mapping[str, int]: ...


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

    async def reconcile(self, keys: frozenset[str]) -> Result:
        found, before = await self._runtime.usable(self._desired.served), self._last
        self._last = found
        if turned := {pool for pool, count in found.items() if before.get(pool) != count}:
            self._marked(turned)
        return DONE
