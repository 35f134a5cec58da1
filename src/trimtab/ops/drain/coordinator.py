"""The process that drains a site, or brings it back: it reads, judges, and makes the next move, until there is none.

It holds a lease, and all that is under way hangs on it. Killed at any line, its routers return to the committed state within
the lease's time; there is nothing to clean up and nobody to take over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from trimtab.errors import Conflict, Denied, DriverError
from trimtab.ops.arbiter.decide import Answer, decide, takes_over
from trimtab.ops.arbiter.world import Permit, Request
from trimtab.ops.drain import writes
from trimtab.ops.drain.granting import PAUSE_S, TTL_S, Granted, Granting, Situation, Watching
from trimtab.ops.drain.held import HeldLease
from trimtab.ops.drain.judged import Facts, seen_of
from trimtab.ops.drain.plan import Commit, Finished, Move, Plan, Progress, Seen, SetStep, Undo, Wait, Way
from trimtab.ops.drain.step import next_move, noted
from trimtab.ops.drain.takeover import take_over, taken
from trimtab.ops.steering.wish import Committed
from trimtab.registry.base import Registry, Snapshot, Write

STEP_LIMIT_S = 20.0
ENDS = "what was under way ends with the lease"
UNSURE = "whether it was committed is not known, `trimtab status` says it once the store answers"


class Coordinator:
    """tell: told each move in words. ramp, pause_s: of the way back. now: seconds of a monotonic clock; wall: since 1970."""

    def __init__(
        self,
        store: Registry,
        facts: Facts,
        watching: Watching,
        tell: Callable[[Move], None],
        *,
        settle_s: float = 2.0,
        ttl_s: float = TTL_S,
        ramp: tuple[int, ...] = (),
        pause_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._facts, self._watching, self._tell = store, facts, watching, tell
        self._settle_s, self._ttl_s, self._now, self._wall = settle_s, ttl_s, now, wall
        self._ramp, self._pause_s = ramp, pause_s
        self._held = HeldLease(store, ttl_s, now)
        self._granting = Granting(store, self._known, watching, ttl_s=ttl_s, now=now, wall=wall)
        self._said: Move | None = None

    async def _known(self) -> Facts:
        return self._facts

    async def look(self, request: Request) -> tuple[Situation, Answer]:
        """What would be said of a request now. Raises DriverError."""
        found, answers = await self._granting.look([request])
        return found, answers[0]

    async def drain(self, request: Request) -> Finished:
        """Raises Denied with every objection, which is kept in the store, and DriverError."""
        async with self._held:
            granted = await self._granting.ask([request], self._held.id, instead=_taken_over)
            if granted.permits:
                return await self._play(self._way_out(request, granted))
            self._say(finished := taken(request.site))
            return finished

    async def undrain(self, site: str, by: str, reason: str, whose: str = "") -> Finished:
        """It takes nothing from anybody, so nobody is asked. whose: the only one whose word is lifted, "" for anybody's. Raises
        Denied where nothing is to be brought back.
        """
        async with self._held:
            found, _ = await self._granting.look(())
            lifts = found.standing.committed.get(site)
            if lifts is None or whose not in ("", lifts.by):
                raise Denied(f"{site} is not drained", "`trimtab status` says what is")
            request = Request("undrain-site", site, site, by, reason)
            plan = self._plan(self._granting.permit(request, self._at()), "back", lifts)
            return await self._play(replace(plan, ramp=self._ramp, pause_s=self._pause_s))

    # ---- the plan

    def _way_out(self, request: Request, granted: Granted) -> Plan:
        plan = self._plan(granted.permits[0], "out", granted.found.standing.committed.get(request.site))
        took = granted.asked[0].answer.effect.takes
        return replace(plan, took=took, force=request.force, automatic=request.automatic)

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
        found = Situation.of(snapshot, self._facts, self._watching, self._wall(), plan)
        answer = decide(found.world, plan.request, self._wall()) if plan.way == "out" else None
        return seen_of(
            plan, found.standing, found.world, answer, found.verdicts.get(plan.site), self._held.lives
        )

    async def _do(self, plan: Plan, snapshot: Snapshot, move: Move) -> None:
        match move:
            case SetStep():
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

    def _at(self) -> float:
        return round(self._wall(), 3)


def _taken_over(found: Situation, asked: tuple[writes.Asked, ...]) -> Write | None:
    """What agents have done by themselves takes nothing more, so a person needs no permit for it."""
    (one,) = asked
    if not takes_over(found.world, one.request):
        return None
    return take_over(found.snapshot, one, found.standing.committed[one.request.site])
