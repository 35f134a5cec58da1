"""A proxy or a member is taken out, inside one site: a permit from the estate's store, then one word in the site's registry.

That one word is the whole act, so there is nothing to undo: killed before it, nothing has happened; killed after it, the
target is drained, and every reader says by whom and why. What follows is waiting: until another proxy holds the addresses,
until nothing is under way to the member. A proxy whose addresses nobody takes gets its word taken back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from trimtab.errors import BadInput, Conflict, Denied, DriverError, LeaseGone, Unreachable
from trimtab.ops.arbiter.records import key_of
from trimtab.ops.arbiter.world import Permit, Request
from trimtab.ops.drain import writes
from trimtab.ops.drain.granting import ATTEMPTS, PAUSE_S, TTL_S, Granting, Watching
from trimtab.ops.drain.held import HeldLease
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.plan import Finished
from trimtab.ops.overrides.member import WritePlan, write_planned
from trimtab.registry.base import Registry, Snapshot, Write

ASK_S = 8.0  # for each answer of the estate's store: one member of it may hang
NOTE_S = 2.0  # what is done is done: its row waits for nobody
DECIDED_S = 60.0  # a proxy's word is taken back long before, if its site's registry answers at all


class ArbiterUnavailable(Unreachable):
    """The estate's store does not answer, or not so that it can be read: nobody could be asked."""


class Overtaken(Conflict):
    """Somebody has changed the registry since it was judged: what was granted is to be asked for again."""


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """over: what was asked has come about. failed: it will not, and is taken back; "" as long as it may."""

    over: bool
    why: str
    failed: str = ""


class Target(Protocol):
    """One thing that can be drained inside a site. Pure."""

    def out(self, snapshot: Snapshot) -> Write | None: ...
    def back(self, snapshot: Snapshot) -> Write | None: ...
    def seen(self, snapshot: Snapshot, waited_s: float) -> TargetStatus: ...


class LocalDrain:
    """store: the estate's. registry: the site's. facts: what the site's registry makes of the estate's facts.

    tell: told each step: what, why. limit_s: how long is waited for what is under way to a member.
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
        self.registry = registry
        self._store, self._facts = store, facts
        self._granting = Granting(store, self._known, watching, of_store=self._of_store, now=now, wall=wall)
        self.look_at = self._granting.look  # raises ArbiterUnavailable too
        self._tell, self._limit_s, self._now, self._wall = tell, limit_s, now, wall
        self._said = ""

    async def _known(self) -> Facts:
        return self._facts(await self.registry.read())

    async def drain(self, request: Request, target: Target, also: Sequence[Request] = ()) -> Finished:
        """also: what else that takes away, judged with it. Raises Denied with every objection, which is kept in the store,
        BadInput, ArbiterUnavailable and DriverError. Who is out counts as out: only a proxy, whose addresses have to find another one,
        keeps the permit until they have.
        """
        if request.kind == "drain-member":
            await self._taken([request, *also], target.out)
            self._tell("drain", f"{request.target} takes nothing new")
            return await self._wait(request.target, target, self._limit_s)
        async with self._permitted([request]) as lease:
            self._tell("drain", f"{request.target} takes nothing new")
            await write_planned(self.registry, _while(lease, target.out))
            finished = await self._wait(request.target, target, max(self._limit_s, DECIDED_S))
        if not finished.done:
            await self.note(replace(request, kind="drain-proxy-undone"), finished.why)
        return finished

    async def drain_unrouted(self, name: str, target: Target) -> Finished:
        """What no requests go to is missed by nobody; the plan's own floors hold. Raises as `target.out`, and DriverError."""
        await write_planned(self.registry, target.out)
        self._tell("drain", f"{name} takes nothing new")
        return await self._wait(name, target, self._limit_s)

    async def take(self, requests: Sequence[Request], plan: WritePlan) -> bool:
        """All of them or none, at once: permits, one write into the site's registry, and the permits end. Whether something
        was written. Raises as `drain` and as `plan`, and Overtaken.
        """
        async with self._permitted(requests) as lease:
            try:
                return await write_planned(self.registry, _while(lease, plan), attempts=1)
            except Conflict as error:
                raise Overtaken(error.message, error.hint) from error

    async def _taken(self, requests: Sequence[Request], plan: WritePlan) -> None:
        for _ in range(ATTEMPTS):
            with suppress(Overtaken):
                await self.take(requests, plan)
                return
        raise Conflict(f"others have changed the pool, {ATTEMPTS} times", "nothing was written: ask again")

    async def undrain(self, target: Target, name: str) -> Finished:
        """It takes nothing from anybody, so nobody is asked. Raises Denied where nothing is to be brought back."""
        if not await write_planned(self.registry, target.back):
            raise Denied(f"{name} is not drained", f"`trimtab why {name}` says what stands")
        return Finished(True, f"{name} takes part again")

    async def note(self, request: Request, why: str = "") -> None:
        """A row of what has come about, or of `why` it has not, where the estate's store takes it: for `trimtab why`."""
        at = round(self._wall(), 3)
        with suppress(DriverError, BadInput, TimeoutError):
            async with asyncio.timeout(NOTE_S):
                while True:
                    with suppress(Conflict):  # another row has taken the number
                        await self._store.write(writes.tell(await self._store.read(), request, at, why))
                        return

    @asynccontextmanager
    async def _permitted(self, requests: Sequence[Request]) -> AsyncIterator[HeldLease]:
        """As long as the block lasts, on the lease; where a registry did not say whether it has written, until that has ended.
        Raises as `drain`.
        """
        async with AsyncExitStack() as stack:
            async with self._of_store():
                lease = await stack.enter_async_context(HeldLease(self._store, TTL_S, self._now))
            permits = (await self._granting.ask(requests, lease.id)).permits
            known = True
            try:
                yield lease
            except Unreachable:
                known = False
                raise
            finally:
                if known:
                    await self._end(permits)

    @asynccontextmanager
    async def _of_store(self) -> AsyncIterator[None]:
        """What the estate's store does not say is another thing than what the site's registry does not. Raises ArbiterUnavailable."""
        try:
            async with asyncio.timeout(ASK_S):
                yield
        except Conflict:
            raise
        except DriverError as error:
            raise ArbiterUnavailable(error.message, error.hint) from error
        except TimeoutError as error:
            raise ArbiterUnavailable(
                f"no answer from the estate's store in {ASK_S:g} s", "is the path to it up?"
            ) from error

    async def _wait(self, name: str, target: Target, limit_s: float) -> Finished:
        began = self._now()
        while True:
            waited = self._now() - began
            with suppress(DriverError):  # a registry that is away tells nothing: what was written stands
                seen = target.seen(await self.registry.read(), waited)
                if seen.over:
                    return Finished(True, seen.why)
                if seen.failed:
                    await write_planned(self.registry, target.back)
                    return Finished(False, f"{seen.failed}; it takes part again")
                self._say(seen.why)
            if waited > limit_s:
                return Finished(False, f"{name} is drained, but not idle: {self._said or 'nobody tells'}")
            await asyncio.sleep(PAUSE_S)

    def _say(self, why: str) -> None:
        if why != self._said:
            self._said = why
            self._tell("waits", why)

    async def _end(self, permits: Sequence[Permit]) -> None:
        """Their lease would end them too."""
        with suppress(DriverError):
            async with self._of_store():
                await self._store.write(Write(delete=tuple(key_of(each) for each in permits)))


def _while(lease: HeldLease, plan: WritePlan) -> WritePlan:
    """Without the permit somebody else may have been granted what this one counted on. Raises LeaseGone."""

    def held(snapshot: Snapshot) -> Write | None:
        if not lease.lives:
            raise LeaseGone("the permit has ended before it was used", "nothing was written: ask again")
        return plan(snapshot)

    return held
