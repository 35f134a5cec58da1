"""Brings the black holes of a router's site about, says whether it is so, and ends each at its end.

What stands is what the store says, or said last: without the store each stays to its end, by this machine's clock, and so it does over
a restart and a reboot. As with steering, what a successor has to know is written first, then `blackhole.conf`, then BIRD is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import Result
from trimtab.agent.site.blackhole_file import HoleFiles, text
from trimtab.agent.site.steer import FOLDER, POLL_S, SETTLE_S
from trimtab.daemons.bird.wire import Adverts, Configured, Prefix, ProtocolState, Route
from trimtab.errors import DriverError, Refused
from trimtab.ops.blackhole.hole import Came, Hole, inside, standing
from trimtab.ops.blackhole.record import encode, holes_of, key_of, unread
from trimtab.ops.blackhole.told import Dropping, ToldOfHosts, judge
from trimtab.registry.base import Write, Writer

PACE = Pace(window=0.0, resync=5.0, first=0.2, most=5.0, limit=60.0)
TELL_PACE = Pace(window=0.0, resync=5.0, first=0.1, most=2.0)


class DroppingBird(Protocol):
    """What is used of `daemons.bird.client.Bird`."""

    async def configure(self) -> Configured: ...
    async def protocols(self) -> dict[str, ProtocolState]: ...
    async def of_protocol(self, protocol: str, table: str) -> tuple[Route, ...]: ...
    async def exported(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts: ...
    async def reload_out(self, protocol: str) -> None: ...


class RouterBlackhole:
    """site, host: our own.  announced: the site's prefixes, of which alone a host may be black-holed.  sessions: with upstreams, by
    name, the families that each carries; accepting: the upstream of those that accept black holes.

    records: the store's, None as long as it has not been heard since our start.  came: told at every reconcile; an equal value as
    long as nothing changes.  wall: seconds since 1970.
    """

    name = "blackhole"

    def __init__(
        self,
        site: str,
        host: str,
        announced: Iterable[Prefix],
        sessions: Mapping[str, Sequence[int]],
        accepting: Mapping[str, str],
        bird: DroppingBird,
        records: Callable[[], Mapping[str, bytes] | None],
        came: Callable[[Came, tuple[Hole, ...]], None],
        folder: Path = FOLDER,
        *,
        wall: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._site, self._host, self._announced = site, host, tuple(announced)
        self._sessions, self._accepting = sessions, accepting
        self._bird, self._records, self._came = bird, records, came
        self._disk, self._wall, self._settle_s = HoleFiles(folder), wall, settle_s
        self._known: frozenset[Prefix] = frozenset()
        self._said: Came | None = None

    def keys(self) -> Collection[str]:
        return ("blackholes",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Raises OSError where the disk does not take a file, DriverError where BIRD does not answer or its configuration does not
        follow.
        """
        holes = self._standing()
        self._known |= {each.prefix for each in (*holes, *self._disk.saved())}
        try:
            await self._disk.remember(holes)
            judgement = await self._follow(holes)
        except (DriverError, OSError) as error:
            self._say(holes, str(error) or type(error).__name__)
            raise
        self._say(holes, "; ".join(judgement.why))
        if not judgement.why:  # what is over is known to be gone everywhere
            self._known = frozenset(each.prefix for each in holes)
        return Result(requeue_after_s=self._next_end(holes))

    def _standing(self) -> tuple[Hole, ...]:
        """What cannot be read, of a later version above all, stays as it was known before."""
        records, saved = self._records(), self._disk.saved()
        known = saved if records is None else tuple(holes_of(records))
        if records is not None and (strange := unread(records)):
            known = (*known, *(each for each in saved if key_of(each) in strange))
        here = standing(known, self._wall(), self._site)
        return tuple(each for each in here if inside(each, self._announced))

    def _next_end(self, holes: Sequence[Hole]) -> dict[str, float]:
        ends = [each.until - self._wall() for each in holes]
        return {"blackholes": max(0.0, min(ends))} if ends else {}

    async def _follow(self, holes: Sequence[Hole]) -> Dropping:
        wanted = {each.prefix for each in holes}
        if await self._disk.write(text(holes, self._accepting)) or await self._dropped() != wanted:
            await self._take_up(wanted)
        judgement = await self._settled(holes)
        if not judgement.late:
            return judgement
        for name in judgement.late:  # the filter is right and was not fed: somebody's `configure soft`
            await self._bird.reload_out(name)
        return await self._settled(holes)

    async def _take_up(self, wanted: set[Prefix]) -> None:
        word = await self._bird.configure()
        ends = _loop_time() + (0 if word == "done" else self._settle_s)
        while await self._dropped() != wanted:
            if _loop_time() >= ends:
                raise Refused(
                    f"BIRD does not run on {self._disk.conf}; configure: {word}",
                    "does its configuration include it?",
                )
            await asyncio.sleep(POLL_S)

    async def _dropped(self) -> set[Prefix] | None:
        """What BIRD runs on, whatever the file says; None where it knows of no such thing."""
        found: set[Prefix] = set()
        for family in (4, 6):
            try:
                routes = await self._bird.of_protocol(f"blackhole{family}", f"wan{family}")
            except Refused:
                return None
            found |= {route.prefix for route in routes if route.kind == "blackhole"}
        return found

    async def _settled(self, holes: Sequence[Hole]) -> Dropping:
        """Once no peer is late any more, or has been for too long."""
        ends = _loop_time() + self._settle_s
        while True:
            dropped = await self._dropped() or set()
            judgement = judge(holes, self._known, dropped, self._accepting, await self._heard())
            if not judgement.late or _loop_time() >= ends:
                return judgement
            await asyncio.sleep(POLL_S)

    async def _heard(self) -> list[ToldOfHosts]:
        """Of those too that accept none: nothing may reach them."""
        states, found = await self._bird.protocols(), []
        for name, families in sorted(self._sessions.items()):
            if name not in states or states[name].state != "up":
                continue
            for family in families:
                own = [prefix for prefix in self._known if prefix.version == family]
                told: Adverts = {}
                with suppress(Refused):  # it went down between two questions
                    told = await self._bird.exported(name, own) if own else {}
                    found.append(ToldOfHosts(name, self._accepting.get(name, ""), family, told))
        return found

    def _say(self, holes: tuple[Hole, ...], amiss: str) -> None:
        new = Came(
            self._site,
            self._host,
            tuple(each.number for each in holes),
            not amiss,
            round(self._wall(), 3),
            amiss,
        )
        if self._said is None or replace(new, at=self._said.at) != self._said:
            self._said = new
        self._came(self._said, holes)


class TellCame:
    """What the router came to, into the estate's store. there: what that has at a key."""

    name = "blackhole-came"

    def __init__(
        self, store: Writer, came: Callable[[], Came | None], there: Callable[[str], bytes | None]
    ) -> None:
        self._store, self._came, self._there = store, came, there

    def keys(self) -> Collection[str]:
        return ("blackholed",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if (came := self._came()) is None:
            return Result()
        key, value = key_of(came), encode(came)
        if self._there(key) != value and (came.holes or came.amiss or self._there(key) is not None):
            await self._store.write(Write(put={key: value}))
        return Result()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
