"""The process that drains a site, or brings it back: it reads, judges, and makes the next move, until there is none.

It holds a lease, and all that is under way hangs on it. Killed at any line, its routers return to the standing word within
the lease's time; there is nothing to clean up and nobody to take over.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from trimtab.errors import AnswerIsNo, Conflict, DriverError
from trimtab.ops.arbiter.decide import Answer, decide, takes_over
from trimtab.ops.arbiter.denied import Denied
from trimtab.ops.arbiter.world import Permit, Request, World
from trimtab.ops.drain import writes
from trimtab.ops.drain.held import HeldLease
from trimtab.ops.drain.judged import Facts, seen_of, world_of
from trimtab.ops.drain.plan import Commit, Finished, Move, Plan, Progress, Seen, Undo, Wait, Way, Write
from trimtab.ops.drain.standing import Standing
from trimtab.ops.drain.step import next_move, noted
from trimtab.ops.drain.takeover import take_over, taken
from trimtab.ops.health.record import FRESH_S, views_of
from trimtab.ops.health.verdict import SiteVerdict, judge_all
from trimtab.ops.steering.wish import Committed
from trimtab.registry.base import Registry, Snapshot

TTL_S = 5.0
STEP_LIMIT_S = 20.0
PAUSE_S = 0.1
ATTEMPTS = 10
ENDS = "what was under way ends with the lease"
UNSURE = "whether it was committed is not known, `trimtab status` says it once the store answers"


@dataclass(frozen=True, slots=True)
class Known:
    """The store at one revision, and what follows from it."""

    snapshot: Snapshot
    standing: Standing
    world: World
    verdicts: dict[str, SiteVerdict]


@dataclass(frozen=True, slots=True)
class Watching:
    """Which sites have observers, and how many of them have to agree: None is more than half."""

    vantage: tuple[str, ...]
    quorum: int | None = None


def known(
    snapshot: Snapshot, facts: Facts, watching: Watching, wall: float, own: Plan | None = None
) -> Known:
    """Raises Nonsense where the gate, the freeze or a permit cannot be read."""
    standing = Standing.of(snapshot)
    verdicts = judge_all(
        facts.sites, views_of(snapshot.records), watching.vantage, watching.quorum, now=wall, fresh_s=FRESH_S
    )
    return Known(snapshot, standing, world_of(standing, facts, verdicts, own), verdicts)


class Coordinator:
    """tell: told each move in words. now: seconds of a monotonic clock; wall: since 1970."""

    def __init__(
        self,
        store: Registry,
        facts: Facts,
        watching: Watching,
        tell: Callable[[Move], None],
        *,
        settle_s: float = 2.0,
        ttl_s: float = TTL_S,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._facts, self._watching, self._tell = store, facts, watching, tell
        self._settle_s, self._ttl_s, self._now, self._wall = settle_s, ttl_s, now, wall
        self._held = HeldLease(store, ttl_s, now)
        self._said: Move | None = None

    async def look(self, request: Request) -> tuple[Known, Answer]:
        """What would be said of a request now. Raises DriverError."""
        found = known(await self._store.read(), self._facts, self._watching, self._wall())
        return found, decide(found.world, request, self._wall())

    async def drain(self, request: Request) -> Finished:
        """Raises AnswerIsNo with every objection, which is kept in the store, and DriverError."""
        async with self._held:
            plan = await self._granted(request)
            return await self._play(plan) if isinstance(plan, Plan) else plan

    async def undrain(self, site: str, by: str, reason: str, whose: str = "") -> Finished:
        """It takes nothing from anybody, so nobody is asked. whose: the only one whose word is lifted, "" for anybody's. Raises
        AnswerIsNo where nothing is to be brought back.
        """
        async with self._held:
            found = known(await self._store.read(), self._facts, self._watching, self._wall())
            lifts = found.standing.committed.get(site)
            if lifts is None or whose not in ("", lifts.by):
                raise AnswerIsNo(f"{site} is not drained", "`trimtab status` says what is")
            notice = Permit(self._id(), "undrain-site", site, site, by, reason, self._at(), self._ttl_s)
            return await self._play(self._plan(notice, "back", lifts=lifts))

    # ---- the permit

    async def _granted(self, request: Request) -> Plan | Finished:
        for _ in range(ATTEMPTS):
            found, answer = await self.look(request)
            asked = writes.Asked(request, answer, self._at())
            if takes_over(found.world, request):
                with suppress(Conflict):
                    stands = found.standing.committed[request.site]
                    await self._store.write(take_over(found.snapshot, asked, stands))
                    finished = taken(request.site)
                    self._say(finished)
                    return finished
                continue
            if not answer.granted:
                with suppress(DriverError):  # whoever asked is told anyway
                    await self._store.write(writes.refuse(found.snapshot, asked))
                raise Denied([(request, answer)])
            permit = Permit(
                self._id(), "drain-site", request.site, request.target, request.by, request.reason, asked.at,
                self._ttl_s,
            )  # fmt: skip
            write = writes.grant(found.snapshot, asked, permit, self._facts.limits, self._held.id)
            with suppress(Conflict):
                await self._store.write(write)
                lifts = found.standing.committed.get(request.site)
                took = answer.effect.takes
                return replace(
                    self._plan(permit, "out", lifts),
                    took=took,
                    force=request.force,
                    automatic=request.automatic,
                )
        raise Conflict("somebody else was first, again and again", "nothing was begun: ask again")

    def _plan(self, permit: Permit, way: Way, lifts: Committed | None = None) -> Plan:
        routers = self._facts.routers.get(permit.site, ())
        return Plan(permit.site, routers, way, self._settle_s, STEP_LIMIT_S, self._ttl_s, permit, lifts)

    # ---- the steps

    async def _play(self, plan: Plan) -> Finished:
        progress, unsure = Progress(), ""
        while True:
            with suppress(
                Conflict, DriverError
            ):  # an answer that is lost says nothing: the next reading does
                snapshot = await self._store.read()
                seen = self._seen(plan, snapshot)
                now = self._now()
                move = next_move(plan, progress, seen, now)
                progress = noted(plan, progress, seen, now)
                self._say(move)
                if isinstance(move, Finished):
                    return move
                unsure = UNSURE if isinstance(move, Commit) else ""
                await self._do(plan, snapshot, move)
            if self._held.lost_for() > 2 * self._ttl_s + STEP_LIMIT_S:
                return Finished(False, f"the estate store does not answer: {unsure or ENDS}")
            await asyncio.sleep(PAUSE_S)

    def _seen(self, plan: Plan, snapshot: Snapshot) -> Seen:
        found = known(snapshot, self._facts, self._watching, self._wall(), plan)
        answer = decide(found.world, plan.request, self._wall()) if plan.way == "out" else None
        return seen_of(
            plan, found.standing, found.world, answer, found.verdicts.get(plan.site), self._held.lives
        )

    async def _do(self, plan: Plan, snapshot: Snapshot, move: Move) -> None:
        match move:
            case Write():
                await self._store.write(writes.step(snapshot, plan, move, self._held.id))
            case Commit():
                await self._store.write(writes.commit(snapshot, plan, self._at()))
            case Undo():
                await self._store.write(writes.undo(snapshot, plan, move.why, self._at()))
            case Wait() | Finished():
                pass

    def _say(self, move: Move) -> None:
        if move != self._said and (
            not isinstance(move, Wait) or not isinstance(self._said, Wait) or move.why != self._said.why
        ):
            self._said = move
            self._tell(move)

    def _id(self) -> str:
        return secrets.token_hex(8)

    def _at(self) -> float:
        return round(self._wall(), 3)
