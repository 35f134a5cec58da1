"""A proxy or a member is taken out, inside one site: a permit from the estate's store, then one word in the site's registry.

That one word is the whole act, so there is nothing to undo: killed before it, nothing has happened; killed after it, the
target is drained, and every reader says by whom and why. What follows is waiting: until another proxy holds the addresses,
until nothing is under way to the member. A proxy whose addresses nobody takes gets its word taken back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from trimtab.control.arbiter.decide import Answer, decide
from trimtab.control.arbiter.records import key_of
from trimtab.control.arbiter.world import Permit, Request
from trimtab.control.drain import writes
from trimtab.control.drain.coordinator import ATTEMPTS, TTL_S, Known, Watching, known, refusal
from trimtab.control.drain.held import HeldLease
from trimtab.control.drain.judged import Facts
from trimtab.control.drain.plan import Finished
from trimtab.control.hand import write_planned
from trimtab.drivers.registry.base import Registry, Snapshot, Write
from trimtab.errors import AnswerIsNo, Conflict, DriverError

PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """over: what was asked has come about. failed: it will not, and is taken back; "" as long as it may."""

    over: bool
    why: str
    failed: str = ""


class Target(Protocol):
    """One thing that can be drained inside a site. Pure."""

    def out(self, snapshot: Snapshot) -> Write | None: ...
    def back(self, snapshot: Snapshot) -> Write | None: ...
    def seen(self, snapshot: Snapshot, waited_s: float) -> Seen: ...


class LocalDrain:
    """store: the estate's. registry: the site's. facts: what the site's registry makes of the estate's facts.

    tell: told each step: what, why. limit_s: how long is waited for what has to end.
    """

    def __init__(
        self,
        store: Registry,
        registry: Registry,
        facts: Callable[[Snapshot], Facts],
        watching: Watching,
        tell: Callable[[str, str], None],
        *,
        limit_s: float = 60.0,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._registry, self._facts, self._watching = store, registry, facts, watching
        self._tell, self._limit_s, self._now, self._wall = tell, limit_s, now, wall
        self._said = ""

    async def look(self, request: Request) -> tuple[Known, Answer]:
        """What would be said of a request now. Raises DriverError. The store is read first: who ended a drain before that
        has written his word into the registry before that.
        """
        snapshot = await self._store.read()
        facts = self._facts(await self._registry.read())
        found = known(snapshot, facts, self._watching, self._wall())
        return found, decide(found.world, request, self._wall())

    async def drain(self, request: Request, target: Target) -> Finished:
        """Raises AnswerIsNo with every objection, which is kept in the store, BadInput, and DriverError."""
        async with HeldLease(self._store, TTL_S, self._now) as lease:
            permit = await self._granted(request, lease.id)
            try:
                self._tell("drain", f"{request.target} takes nothing new")
                await write_planned(self._registry, target.out)
                return await self._wait(request, target)
            finally:
                await self._end(permit)

    async def undrain(self, target: Target, name: str) -> Finished:
        """It takes nothing from anybody, so nobody is asked. Raises AnswerIsNo where nothing is to be brought back."""
        if not await write_planned(self._registry, target.back):
            raise AnswerIsNo(f"{name} is not drained", "`trimtab status` says what is")
        return Finished(True, f"{name} takes part again")

    async def _granted(self, request: Request, lease: int) -> Permit:
        for _ in range(ATTEMPTS):
            found, answer = await self.look(request)
            asked = writes.Asked(request, answer, round(self._wall(), 3))
            if not answer.granted:
                with suppress(DriverError):  # whoever asked is told anyway
                    await self._store.write(writes.refuse(found.snapshot, asked))
                raise AnswerIsNo(*refusal(request, answer))
            permit = Permit(
                secrets.token_hex(8), request.kind, request.site, request.target, request.by, request.reason,
                asked.at, TTL_S,
            )  # fmt: skip
            with suppress(Conflict):
                write = writes.grant(found.snapshot, asked, permit, found.world.limits, lease)
                await self._store.write(write)
                return permit
        raise Conflict("somebody else was first, again and again", "nothing was begun: ask again")

    async def _wait(self, request: Request, target: Target) -> Finished:
        began = self._now()
        while True:
            waited = self._now() - began
            with suppress(DriverError):  # a registry that is away tells nothing: what was written stands
                seen = target.seen(await self._registry.read(), waited)
                if seen.over:
                    return Finished(True, seen.why)
                if seen.failed:
                    await write_planned(self._registry, target.back)
                    return Finished(False, f"{seen.failed}; it takes part again")
                self._say(seen.why)
            if waited > self._limit_s:
                return Finished(
                    False, f"{request.target} is drained, but not idle: {self._said or 'nobody tells'}"
                )
            await asyncio.sleep(PAUSE_S)

    def _say(self, why: str) -> None:
        if why != self._said:
            self._said = why
            self._tell("waits", why)

    async def _end(self, permit: Permit) -> None:
        """Its lease would end it too."""
        with suppress(DriverError):
            await self._store.write(Write(delete=(key_of(permit),)))
