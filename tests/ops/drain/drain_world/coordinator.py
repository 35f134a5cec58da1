"""A command of an operator, or of an agent by itself: it asks, and does what the next move says, until it is finished."""

from __future__ import annotations

from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Any

from tests.ops.drain.drain_world.actor import Actor
from tests.ops.drain.drain_world.logic import SETTLE_S, STEP_LIMIT_S, TICK_S, TTL_S

from trimtab.errors import Conflict, LeaseGone, Unreachable
from trimtab.ops.arbiter.decide import Answer, takes_over
from trimtab.ops.arbiter.world import AUTOMATIC, Permit, Request
from trimtab.ops.drain import plan as moves
from trimtab.ops.drain import writes
from trimtab.ops.drain.judged import seen_of
from trimtab.ops.drain.plan import Plan, Progress, Way
from trimtab.ops.drain.standing import Standing
from trimtab.ops.drain.takeover import take_over
from trimtab.registry.base import Write

if TYPE_CHECKING:
    from tests.ops.drain.drain_world.world import World

ATTEMPTS = 8


class Coordinator(Actor):
    """outcome: why it ended, and whether the site is where it was to be. writes: how many it has tried."""

    def __init__(
        self, world: World, place: str, skew: float, site: str, way: Way, *, force: bool, automatic: bool
    ) -> None:
        number = len(world.coordinators)
        super().__init__(world, f"{place}.{number}", place, skew)
        self.site, self.way, self.force, self.automatic = site, way, force, automatic
        self.id = f"p{number}"
        self.by = place
        self.who = AUTOMATIC if automatic else place
        self._took = False
        self.lease = 0
        self.plan: Plan | None = None
        self.progress = Progress()
        self.outcome: moves.Finished | None = None
        self.writes = 0
        self.answer: Answer | None = None
        self._asked = 0
        self._until = 0.0
        self._known: object = None
        self._out: Write | None = None

    def act(self, tick: int) -> None:
        """At one tick it reads and judges, at the next one it writes: others may have been there meanwhile."""
        out, self._out = self._out, None
        if out is not None:
            self._known = None
        if not self.connected:
            return None
        if out is not None:
            return self._send(out, tick)
        if not self.lease:
            self.lease = self.world.store.lease(self, tick)
        known = (self.world.store.revision, self.world.known(self.skew))
        if known == self._known and self.mono() < self._until:
            return None
        self._known, self._until = known, float("inf")
        standing = self.world.standing()
        if self.plan is None:
            self._ask(standing)
        if self.plan is not None and self.outcome is None:
            self._go(self.plan, standing)
        if self._until < float("inf"):
            self.world.wake(max(tick + 1, ceil(self._until / TICK_S)))
        return None

    def _write(self, change: Write) -> None:
        self._out = change
        self.world.wake(self.world.tick + 1)

    def _send(self, change: Write, tick: int) -> None:
        """Whatever comes of it, the next thing is to read."""
        self.writes += 1
        self.world.wake(tick + 1)
        with suppress(Conflict, LeaseGone, Unreachable):
            self.world.store.write(self.by, change, tick)

    def end(self, outcome: moves.Finished) -> None:
        self.note()
        self.outcome, self.alive = outcome, False
        self.world.wake(self.world.tick + 1)

    # ---- asking

    def _ask(self, standing: Standing) -> None:
        stands = standing.committed.get(self.site)
        if self._took and stands is not None and stands.by == self.who:
            self.end(moves.Finished(True, "it was taken over"))
        elif self.way == "back":
            self._ask_back(standing)
        elif found := next((each for each in standing.permits if each.id == self.id), None):
            self._begin("out", found)
        elif self._asked >= ATTEMPTS:
            self.end(moves.Finished(False, "no permit could be written"))
        else:
            self._ask_out(standing)

    def _ask_back(self, standing: Standing) -> None:
        lifts = standing.committed.get(self.site)
        if lifts is None:
            return self.end(moves.Finished(True, "it is not drained"))
        permit = Permit(self.id, "undrain-site", self.site, self.site, self.who, "", self.wall(), TTL_S)
        return self._begin("back", permit, lifts)

    def _ask_out(self, standing: Standing) -> None:
        world, request = self.world, self._request()
        judged = world.logic.world_of(standing, world.facts, world.verdicts(self.skew))
        self.answer = world.logic.decide(judged, request, self.wall())
        asked = writes.Asked(request, self.answer, self.wall())
        snapshot = world.store.snapshot()
        self._asked += 1
        if takes_over(judged, request):
            self._took = True
            self._write(take_over(snapshot, asked, standing.committed[self.site]))
            return
        if not self.answer.granted:
            with suppress(Conflict, Unreachable):
                world.store.write(self.by, writes.refuse(snapshot, asked), world.tick)
            self.end(moves.Finished(False, self.answer.standing[0].rule))
            return
        permit = Permit(self.id, "drain-site", self.site, self.site, self.who, "", self.wall(), TTL_S)
        self._write(world.logic.grant(snapshot, [(asked, permit)], world.facts.limits, self.lease))

    def _request(self) -> Request:
        return Request("drain-site", self.site, self.site, self.who, "", self.automatic, self.force)

    def _begin(self, way: Way, permit: Permit, lifts: Any = None) -> None:
        took = self.answer.effect.takes if self.answer else True
        self.plan = Plan(
            self.site,
            self.world.facts.routers[self.site],
            way,
            SETTLE_S,
            STEP_LIMIT_S,
            TTL_S,
            permit,
            lifts,
            took,
            self.force,
            self.automatic,
        )

    # ---- doing

    def _go(self, plan: Plan, standing: Standing) -> None:
        world, logic = self.world, self.world.logic
        verdicts = world.verdicts(self.skew)
        judged = logic.world_of(standing, world.facts, verdicts, plan)
        answer = logic.decide(judged, plan.request, self.wall()) if plan.way == "out" else None
        lives = self.lease in world.store.leases
        seen = seen_of(plan, standing, judged, answer, verdicts[plan.site], lives)
        move = logic.next_move(plan, self.progress, seen, self.mono())
        self.progress = logic.noted(plan, self.progress, seen, self.mono())
        self._do(plan, move)

    def _do(self, plan: Plan, move: moves.Move) -> None:
        logic, snapshot = self.world.logic, self.world.store.snapshot()
        if isinstance(move, moves.Finished):
            self.end(move)
        elif isinstance(move, moves.Wait):
            self._until = move.until
        elif isinstance(move, moves.SetStep):
            self.world.rules.steps(self, plan, move.step)
            self._write(logic.step(snapshot, plan, move, self.lease))
        elif isinstance(move, moves.Commit):
            self.world.rules.steps(self, plan, "withdraw")
            self.world.rules.commits(plan)
            self._write(logic.commit(snapshot, plan, self.wall()))
        else:
            self._write(logic.undo(snapshot, plan, move.why, self.wall()))
