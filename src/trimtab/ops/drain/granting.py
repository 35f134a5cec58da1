"""Leave to take something away: read the store, judge, write the permits or the refusal. The only way to a permit.

A site (`coordinator`), a proxy and members (`local`) ask here. A permit holds only for what it was judged on: where somebody
else was first, all of it is read and judged anew. What differs between those who ask are arguments of `Granting`.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from trimtab.errors import Conflict, DriverError
from trimtab.ops.arbiter.decide import Answer, decide
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.effect import pool_of
from trimtab.ops.arbiter.world import Permit, Request, World
from trimtab.ops.blackhole.hole import standing as holes_standing
from trimtab.ops.blackhole.record import holes_of
from trimtab.ops.drain import writes
from trimtab.ops.drain.judged import Facts, less_members, world_of
from trimtab.ops.drain.plan import Plan
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.record import FRESH_S, views_of
from trimtab.ops.health.verdict import SiteVerdict, judge_all
from trimtab.registry.base import Registry, Snapshot, Write

TTL_S = 5.0  # of a permit that its lease does not keep up
PAUSE_S = 0.1
ATTEMPTS = 10
# Whoever has come back a moment ago is found down until the proxies' checks have said otherwise.
CHECKS_S = 2.0


@dataclass(frozen=True, slots=True)
class Watching:
    """Which sites have observers, and how many of them have to agree: None is more than half."""

    vantage: tuple[str, ...]
    quorum: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """The store at one revision, and what follows from it."""

    snapshot: Snapshot
    standing: Standing
    world: World
    verdicts: dict[str, SiteVerdict]

    @staticmethod
    def of(
        snapshot: Snapshot, facts: Facts, watching: Watching, wall: float, own: Plan | None = None
    ) -> Situation:
        """Raises InvalidResponse where the budget, the freeze or a permit cannot be read."""
        standing, views = Standing.of(snapshot), views_of(snapshot.records)
        holes = holes_standing(holes_of(snapshot.records), wall)
        verdicts = judge_all(facts.sites, views, watching.vantage, watching.quorum, now=wall, fresh_s=FRESH_S)
        world = replace(
            world_of(standing, facts, verdicts, own),
            holes=tuple((each.address, frozenset(each.sites)) for each in holes),
        )
        return Situation(snapshot, standing, world, verdicts)


@dataclass(frozen=True, slots=True)
class Granted:
    """found: what it was judged on. permits: one for each request; none where something else was written instead."""

    found: Situation
    asked: tuple[writes.Asked, ...]
    permits: tuple[Permit, ...]


Instead = Callable[[Situation, tuple[writes.Asked, ...]], Write | None]


class Granting:
    """store: the estate's. facts: read after the store, since who ended a drain before that has written his word into the
    registry before that. of_store: around whatever the store is asked, for a deadline or an error of the caller's own.
    ttl_s: of the permits. now: seconds of a monotonic clock; wall: since 1970.
    """

    def __init__(
        self,
        store: Registry,
        facts: Callable[[], Awaitable[Facts]],
        watching: Watching,
        *,
        of_store: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        ttl_s: float = TTL_S,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._facts, self._watching, self._of_store = store, facts, watching, of_store
        self._ttl_s, self._now, self._wall = ttl_s, now, wall

    async def look(self, requests: Sequence[Request]) -> tuple[Situation, tuple[Answer, ...]]:
        """What would be said of them now, in one go, each judged on what the ones before it leave. Raises DriverError, and as
        `facts`.
        """
        async with self._of_store():
            snapshot = await self._store.read()
        facts = await self._facts()
        async with self._of_store():
            found = Situation.of(snapshot, facts, self._watching, self._wall())
        left = [less_members(found.world, requests[:n]) for n in range(len(requests))]
        return found, tuple(
            decide(world, each, self._wall()) for world, each in zip(left, requests, strict=True)
        )

    async def ask(
        self, requests: Sequence[Request], lease: int, instead: Instead = lambda found, asked: None
    ) -> Granted:
        """All of them or none, on the lease. instead: what is written for requests that need no permit. Raises ArbiterDenied
        with every objection, which is kept in the store; Conflict, and as `look`.
        """
        attempt, checks_until = 0, self._now() + CHECKS_S
        while attempt < ATTEMPTS:
            # others ask at the same moment, at other sites
            await asyncio.sleep(attempt * random.uniform(0.0, PAUSE_S))
            found, answers = await self.look(requests)
            at = round(self._wall(), 3)
            asked = tuple(writes.Asked(*each, at) for each in zip(requests, answers, strict=True))
            refused = [each for each in asked if not each.answer.granted]
            if self._now() < checks_until and any(_by_checks(found.world, each) for each in refused):
                await asyncio.sleep(PAUSE_S)
                continue
            attempt += 1
            if refused:
                await self._refuse(found.snapshot, refused)
                raise ArbiterDenied(zip(requests, answers, strict=True))
            with suppress(Conflict):
                return await self._grant(found, asked, lease, instead)
        raise Conflict("somebody else was first, again and again", "nothing was begun: ask again")

    def permit(self, request: Request, at: float) -> Permit:
        of, given = request, secrets.token_hex(8)
        return Permit(given, of.kind, of.site, of.target, of.by, of.reason, at, self._ttl_s)

    async def _refuse(self, snapshot: Snapshot, refused: Sequence[writes.Asked]) -> None:
        with suppress(DriverError):  # whoever asked is told anyway
            async with self._of_store():
                await self._store.write(writes.refuse(snapshot, *refused))

    async def _grant(
        self, found: Situation, asked: tuple[writes.Asked, ...], lease: int, instead: Instead
    ) -> Granted:
        granted = [(each, self.permit(each.request, each.at)) for each in asked]
        other = instead(found, asked)
        async with self._of_store():
            await self._store.write(other or writes.grant(found.snapshot, granted, found.world.limits, lease))
        return Granted(found, asked, () if other else tuple(permit for _, permit in granted))


def _by_checks(world: World, asked: writes.Asked) -> bool:
    """Whether a member may be granted once the proxies' checks have found well whoever has come back just now."""
    pool, rules = pool_of(world, asked.request), {each.rule for each in asked.answer.standing}
    return (
        pool is not None
        and bool(pool.down or pool.more)
        and rules <= {"too-few-members", "last-member", "members-unknown"}
    )
