"""Brings what a router tells its upstreams to what the site's word asks for, and says whether it is so.

Order: what a successor has to know, then `steer.conf`, then BIRD, then the question what the upstreams were told. Each is
compared with what is there and not with what we remember, so a reconcile repairs whatever a killed one left undone. BIRD
itself says which sets it runs on (`Bird.members`) and what has left (`Bird.exported`). Sessions are never touched.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.site.shift import ShiftedRoutes
from trimtab.agent.site.steer_file import Disk, Steered, text
from trimtab.daemons.bird.wire import Adverts, Configured, Prefix, ProtocolState
from trimtab.errors import DriverError, Refused
from trimtab.ops.steering.wish import Done, Judgement, Orders, Session, Step, Wish, judge, wish

FOLDER = Path("/var/lib/trimtab")
# A step that nobody keeps up ends within `resync` of its time.
PACE = Pace(window=0.0, resync=2.0, first=0.2, most=5.0, limit=60.0)
SETTLE_S = 3.0  # a channel of a full table is fed within about a second
POLL_S = 0.05
UPSTREAM = re.compile(r"up_\w*([46])", re.ASCII)  # as daemons/bird/config.py names them


class BirdLike(Protocol):
    """What is used of `daemons.bird.client.Bird`."""

    async def configure(self) -> Configured: ...
    async def members(self, asked: Sequence[tuple[Prefix, str]]) -> tuple[bool, ...]: ...
    async def protocols(self) -> dict[str, ProtocolState]: ...
    async def filtered(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts: ...
    async def exported(self, protocol: str, prefixes: Collection[Prefix]) -> Adverts: ...
    async def reload_out(self, protocol: str) -> None: ...


class RouterSteer:
    """site, host: our own.  announced: all prefixes of the site, of both families.

    orders: what the store says, None as long as it has not been heard since our start.  done: told at every reconcile; an
    equal value as long as nothing changes.  folder: of `steer.conf` and `steered.json`.  now: seconds of the machine's
    monotonic clock, as in `Orders.heard`, and boot: which boot they count in.  wall: seconds since 1970.  settle_s: how long
    a change may take to reach a peer.  shift: what is told beside the estate, in the same moment; None: nothing ever is.
    sessions: by name, the families that each carries; of others the name says it.
    """

    name = "steer"

    def __init__(
        self,
        site: str,
        host: str,
        announced: Iterable[Prefix],
        bird: BirdLike,
        orders: Callable[[], Orders | None],
        done: Callable[[Done], None],
        folder: Path = FOLDER,
        *,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        boot: str | None = None,
        settle_s: float = SETTLE_S,
        shift: ShiftedRoutes | None = None,
        sessions: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self._site, self._host, self._announced = site, host, tuple(announced)
        self._bird, self._orders, self._done = bird, orders, done
        self._disk = Disk(folder, boot_id() if boot is None else boot)
        self._now, self._wall, self._settle_s, self._shift = now, wall, settle_s, shift
        self._sessions_of = sessions or {}
        self._said: Done | None = None

    def keys(self) -> Collection[str]:
        return ("announcements",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Raises OSError where the disk does not take a file, DriverError where BIRD does not answer, or its configuration
        does not follow.
        """
        if (orders := self._orders() or self._disk.saved()) is None:
            await self._disk.keep()  # neither the store nor a predecessor ever said anything
            return DONE
        orders = orders.of(self._site)
        wished = wish(orders.committed, orders.doing, orders.permits, orders.heard, self._now())
        try:
            await self._disk.remember(_worth_keeping(orders, wished))
            judgement = await self._follow(wished)
        except (DriverError, OSError) as error:
            self._say(wished, str(error) or type(error).__name__)
            raise
        self._say(wished, "; ".join(judgement.why))
        if judgement.astray:
            raise Refused(
                "; ".join(judgement.why), f"do BIRD's export filters use the sets of {self._disk.conf}?"
            )
        return DONE

    async def _follow(self, wished: Wish) -> Judgement:
        step, steered = wished.step, Steered.of(wished.step, self._announced)
        written = self._shift is not None and await self._shift.put(wished.prepend)
        if await self._disk.write(text(steered)) or written or not await self._in_force(steered):
            await self._take_up(steered)
        judgement = await self._settled(step)
        if not judgement.late:
            return judgement
        for name in dict.fromkeys(
            judgement.late
        ):  # the filter is right and was not fed: somebody's `configure soft`
            await self._bird.reload_out(name)
        return await self._settled(step)

    async def _take_up(self, steered: Steered) -> None:
        word = await self._bird.configure()
        ends = _loop_time() + (0 if word == "done" else self._settle_s)
        while not await self._in_force(steered):
            if _loop_time() >= ends:
                raise Refused(
                    f"BIRD does not run on {self._disk.conf}; configure: {word}",
                    "does its configuration include it?",
                )
            await asyncio.sleep(POLL_S)

    async def _in_force(self, steered: Steered) -> bool:
        """Whether BIRD runs on these sets, whatever the file says."""
        wanted = steered.members(self._announced)
        with suppress(Refused):  # it knows no such set
            if await self._bird.members(list(wanted)) == tuple(wanted.values()):
                return self._shift is None or await self._shift.in_force()
        return False

    async def _settled(self, step: Step) -> Judgement:
        """Once no peer is late any more, or has been for too long."""
        ends = _loop_time() + self._settle_s
        while True:
            sessions = await self._sessions()
            judgement = judge(step, self._announced, sessions)
            if self._shift is not None and not judgement.why:
                judgement = replace(judgement, why=tuple(await self._shift.amiss(sessions)))
            if not judgement.late or _loop_time() >= ends:
                return judgement
            await asyncio.sleep(POLL_S)

    async def _sessions(self) -> list[Session]:
        """One a family that it carries: IPv4's routes may go over an IPv6 session too (RFC 8950)."""
        states = (await self._bird.protocols()).values()
        return [
            await self._session(state, family)
            for state in states
            if state.kind == "BGP" and (found := UPSTREAM.fullmatch(state.name))
            for family in self._sessions_of.get(state.name, (int(found[1]),))
        ]

    async def _session(self, state: ProtocolState, family: int) -> Session:
        prefixes = [prefix for prefix in self._announced if prefix.version == family]
        if state.state != "up" or not prefixes:
            return Session(state.name, family, state.state == "up", {}, {})
        filtered = await self._bird.filtered(state.name, prefixes)
        return Session(state.name, family, True, filtered, await self._bird.exported(state.name, prefixes))

    def _say(self, wished: Wish, amiss: str) -> None:
        new = Done(
            self._site, self._host, wished.step, wished.token, not amiss, self._wall(), wished.why, amiss,
            self._shift.follows if self._shift is not None else 0.0,
        )  # fmt: skip
        if self._said is None or replace(new, at=self._said.at) != self._said:
            self._said = new
        self._done(self._said)


def _worth_keeping(orders: Orders, wished: Wish) -> Orders:
    """The committed word; and what is under way, as long as it counts, with its permit."""
    if wished.doing is None:
        return Orders(orders.committed, None, (), orders.heard)
    permits = tuple(permit for permit in orders.permits if permit.id == wished.doing.permit)
    return Orders(orders.committed, wished.doing, permits, orders.heard)


def boot_id() -> str:
    """Empty where the kernel does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
