"""The addresses of a proxy, as an operator wants them: given to another proxy, or competed for as before.

`front` (the host's own hook) does it, and keepalived follows its files. A drained proxy has the last place and no more: if
nobody else is left, it takes the addresses back, so a drain can never be the reason why a site is unreachable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.drivers.addresses import addresses
from trimtab.drivers.command import run
from trimtab.errors import Unreachable
from trimtab.registry.base import Write, Writer
from trimtab.registry.codec import encode
from trimtab.registry.record import MAX_LEAVING, CheckState, FrontState, key_of

PACE = Pace(window=0.0, resync=10.0)
TELL_PACE = Pace(window=0.02, resync=10.0, most=2.0)
# Looks after a proxy was told something: another one takes its addresses meanwhile.
SOON_S = (0.3, 0.6, 1.0, 1.5, 2.0, 3.0)
BUSY_S = 0.5  # between two looks at what is under way to members that leave
POLL_S = 0.05
HOOK_S = 5.0
HOOK = "/usr/local/lib/trimtab/front"
STATE = Path("/run/trimtab/front")
Verb = Literal["drain", "yielded", "undrain"]


@dataclass(frozen=True, slots=True)
class Look:
    """drained, yielding: as the files say. holds: one of the site's addresses is on this host."""

    drained: bool
    yielding: bool
    holds: bool


class FrontLike(Protocol):
    def look(self) -> Look: ...
    async def do(self, verb: Verb) -> None: ...


class FrontHook:
    """The real one. vips: addresses of the site that move between its proxies."""

    def __init__(self, vips: Collection[str], state: Path = STATE, hook: str = HOOK) -> None:
        self._vips, self._state, self._hook = frozenset(vips), state, hook

    def look(self) -> Look:
        """Raises OSError where the kernel does not tell which addresses there are."""
        return Look(self._is_set("drained"), self._is_set("yield"), not self._vips.isdisjoint(addresses()))

    async def do(self, verb: Verb) -> None:
        """Raises Unreachable."""
        ended = await run([self._hook, verb], HOOK_S)
        if ended.code != 0:
            why = ended.fault or f"exited {ended.code}: {ended.output.strip()[-200:]}"
            raise Unreachable(f"{self._hook} {verb}: {why}")

    def _is_set(self, name: str) -> bool:
        try:
            return (self._state / name).read_text().strip() not in ("", "0")
        except FileNotFoundError:
            return False


def verb_for(wanted: bool | None, now: Look) -> Verb | None:
    """The next thing to do. wanted: None where nobody has said anything yet: then what was decided before goes on. A proxy
    that is drained and holds the addresses is the last one: it keeps them.
    """
    if wanted is False:
        return "undrain" if now.drained or now.yielding else None
    if wanted and not now.drained:
        return "drain"
    return "yielded" if now.yielding and not now.holds else None


class FrontControl:
    """wanted: see `verb_for`. limit_s: how long another one has to take the addresses: VRRP's time."""

    name = "front"

    def __init__(
        self, front: FrontLike, wanted: Callable[[], bool | None], limit_s: float, changed: Callable[[], None]
    ) -> None:
        self._front, self._wanted, self._limit, self._changed = front, wanted, limit_s, changed
        self._last: Look | None = None

    def keys(self) -> Collection[str]:
        return ("front",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Until nothing is to be done. Killed anywhere, the next one goes on from the files; and `yield` ends by itself."""
        ends = _now() + self._limit
        while True:
            look = self._note(self._front.look())
            verb = verb_for(self._wanted(), look)
            if verb is not None:
                await self._front.do(verb)
            elif look.yielding:  # still held: nobody has taken them yet
                if _now() >= ends:
                    await self._front.do("yielded")
                    self._note(self._front.look())
                    return DONE
                await asyncio.sleep(POLL_S)
            else:
                return DONE

    def _note(self, look: Look) -> Look:
        if look != self._last:
            self._last = look
            self._changed()
        return look


class TellFront:
    """Says in the registry what the proxy holds, what is still under way to members that leave, and what its checks find.
    leaving: `POOL/NAME` → requests under way; asked each time, as checks are: None where nobody knows. As long as
    something is under way it looks again soon.
    """

    name = "front-state"

    def __init__(
        self,
        store: Writer,
        lease: Lease,
        host: str,
        front: FrontLike,
        leaving: Callable[[], Awaitable[Mapping[str, int]]],
        now: Callable[[], float] = time.time,
        checks: Callable[[], CheckState | None] = lambda: None,
    ) -> None:
        self._store, self._lease, self._host = store, lease, host
        self._front, self._leaving, self._now = front, leaving, now
        self._checks = checks
        self._said: tuple[FrontState, CheckState | None, int] | None = None
        self._held: tuple[bool, float] | None = None  # whether it holds the addresses, and since when

    def keys(self) -> Collection[str]:
        return ("front",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        look, lease = self._front.look(), await self._lease.get()
        if self._held is None or self._held[0] != look.holds:
            self._held = look.holds, 0.0 if self._held is None else round(self._now(), 3)
        leaving = dict(sorted((await self._leaving()).items())[:MAX_LEAVING])
        result = Result(requeue_after_s={"front": BUSY_S}) if any(leaving.values()) else DONE
        state = FrontState(self._host, look.holds, look.drained, leaving, since=self._held[1])
        checks = self._checks()
        if self._said == (state, checks, lease):
            return result
        told = replace(state, at=round(self._now(), 3))
        records = {key_of(each): encode(each) for each in (told, checks) if each is not None}
        gone = () if checks is not None else (key_of(CheckState(self._host)),)
        await self._lease.write(self._store, Write(leased=records, delete=gone, lease=lease))
        self._said = state, checks, lease
        return result


def _now() -> float:
    return asyncio.get_running_loop().time()
