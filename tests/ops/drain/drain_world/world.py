"""The whole of it: what is true, who knows what of it, and one tick after the other."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.ops.drain.drain_world.actor import EPOCH, Actor
from tests.ops.drain.drain_world.coordinator import Coordinator
from tests.ops.drain.drain_world.logic import FRESH_S, LIMITS, REAL, SKEW_S, TICK_S, Logic
from tests.ops.drain.drain_world.router import Router
from tests.ops.drain.drain_world.rules import QUIET, Rules
from tests.ops.drain.drain_world.store import Store
from tests.ops.drain.drain_world.vantage import Look, Observer

from trimtab.ops.arbiter.ledger import Heard
from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.arbiter.world import SiteState
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.plan import Way
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.verdict import SiteVerdict, View
from trimtab.ops.steering.wish import Done
from trimtab.registry.base import Write

NAMES = ("a", "b", "c", "d", "e")
DESKS = ("ann", "bob")
MOST_S = 1e6  # no script is longer


@dataclass(frozen=True)
class Shape:
    """sites: 1 to 5. routers: of each site. floor: sites that have to carry. changes: the budget. skews, lags: taken in
    turn.
    """

    sites: int = 3
    routers: int = 1
    floor: int = 1
    changes: int = 4
    skews: tuple[float, ...] = (0.0,)
    lags: tuple[int, ...] = (1,)


class World:
    """fronts, power: what is true of each site. bad: sites whose check is wrong. blocked: (vantage, site) that do not see
    each other. cut: places and hosts without a way to the store. news: counts what vantage points publish.
    """

    def __init__(self, shape: Shape, logic: Logic = REAL) -> None:
        self.tick, self.logic, self.shape = 0, logic, shape
        self.names = NAMES[: shape.sites]
        self.fronts, self.power = dict.fromkeys(self.names, True), dict.fromkeys(self.names, True)
        self.bad: set[str] = set()
        self.bad_since: dict[str, int] = {}
        self.bad_until: dict[
            str, tuple[int, int]
        ] = {}  # the last time that it was over: from which tick to which
        self.blocked: set[tuple[str, str]] = set()
        self.cut: set[str] = set()
        self.news, self.truth, self.changed = 0, 0, 0
        self.store = Store()
        self.coordinators: list[Coordinator] = []
        self.asks: list[tuple[int, str]] = []  # at which tick the agent of which site asks by itself
        self._wakes = [0]
        self._turn = 0
        self._memo: dict[object, Mapping[str, SiteVerdict]] = {}
        self._standing: Standing | None = None
        self._announced: dict[str, bool] = {}
        self._cast()
        self.silence = self._judge(())
        self.rules = Rules(self)

    def _cast(self) -> None:
        names, shape = self.names, self.shape
        self.observers = [Observer(self, name, i % 2, self.skew()) for i, name in enumerate(names)]
        lags = shape.lags
        self.routers = [
            Router(self, name, f"{name}-r{k}", self.skew(), lags[(i + k) % len(lags)])
            for i, name in enumerate(names)
            for k in range(shape.routers)
        ]
        hosts = {name: tuple(r.name for r in self.routers if r.site == name) for name in names}
        limits = replace(LIMITS, sites=shape.floor, changes=shape.changes)
        self.facts = Facts({name: SiteState(name) for name in names}, hosts, limits)
        done = [Done(r.site, r.name, "serve", 0, True, r.wall()) for r in self.routers]
        self.store.records = {key_of(each): encode(each) for each in done}
        self._hearing = dict.fromkeys(names, False)

    def skew(self) -> float:
        self._turn += 1
        skews = self.shape.skews
        return max(-SKEW_S / 2, min(SKEW_S / 2, skews[self._turn % len(skews)]))

    # ---- what is true

    def announced(self, site: str) -> bool:
        if not self._announced:
            up = {router.site for router in self.routers if router.bird != "withdraw"}
            self._announced = {name: self.power[name] and name in up for name in self.names}
        return self._announced[site]

    def healthy(self, site: str) -> bool:
        return self.power[site] and self.fronts[site]

    def seen(self, place: str, site: str) -> Look:
        reached = (place, site) not in self.blocked and self.announced(site)
        return reached and self.fronts[site] and site not in self.bad, reached

    def truth_changed(self) -> None:
        self.truth += 1
        self._announced = {}

    def actors(self) -> Sequence[Actor]:
        return [*self.observers, *self.routers, *self.coordinators]

    # ---- what is known

    def standing(self) -> Standing:
        if self._standing is None or self._standing.revision != self.store.revision:
            self._standing = Standing.of(self.store.snapshot())
        return self._standing

    def known(self, skew: float) -> tuple[object, ...]:
        """Which views are there, and which of them somebody with this clock takes for fresh."""
        found: list[object] = [self.news]
        for each in self.observers:
            at = each.at(self.tick)
            ahead = (self.tick - at) * TICK_S + skew - each.skew
            found.append(at >= 0 and abs(ahead) <= FRESH_S)
        return tuple(found)

    def verdicts(self, skew: float) -> Mapping[str, SiteVerdict]:
        known = self.known(skew)
        found = self._memo.get(known)
        if found is None:
            fresh = [each for each, is_fresh in zip(self.observers, known[1:], strict=True) if is_fresh]
            found = self._memo[known] = self._judge(fresh)
        return found

    def _judge(self, fresh: Sequence[Observer]) -> Mapping[str, SiteVerdict]:
        """Which are fresh was told before. Nothing a view says is later than what is judged now."""
        end = EPOCH + MOST_S
        views = [View(each.site, each.name, each.published, end) for each in fresh]
        found: Mapping[str, SiteVerdict] = self.logic.judge_all(
            self.names, views, self.names, now=end, fresh_s=FRESH_S
        )
        return found

    # ---- what happens

    def command(
        self, desk: str, site: str, way: Way, *, force: bool = False, automatic: bool = False
    ) -> Coordinator:
        made = Coordinator(self, desk, self.skew(), site, way, force=force, automatic=automatic)
        self.coordinators.append(made)
        return made

    def change(self, what: Callable[[], object]) -> None:
        """Of connections, lives or the truth: until now everybody was as he was."""
        self.rules.remember()
        for actor in self.actors():
            actor.note()
        what()
        for name in self.names:
            if name in self.bad:
                self.bad_since.setdefault(name, self.tick)
            elif name in self.bad_since:
                self.bad_until[name] = (self.bad_since.pop(name), self.tick)
        for observer in self.observers:
            observer.changed()
        self.truth_changed()
        self.wake(self.tick)
        self.wake(self.tick + 1)
        self.wake(self.tick + QUIET + 1)  # when the rules expect somebody to have noticed

    def wake(self, tick: int) -> None:
        heapq.heappush(self._wakes, tick)

    def run(self, until: int) -> None:
        """Up to and including that tick. Raises Violation."""
        while self._wakes and self._wakes[0] <= until:
            tick = self._wakes[0]
            while self._wakes and self._wakes[0] <= tick:
                heapq.heappop(self._wakes)
            self.tick = max(tick, self.tick)
            self._one()
        self.tick = until

    def _one(self) -> None:
        tick, before = self.tick, (self.store.revision, self.news, self.truth)
        self.rules.remember()
        self.store.arrive(tick)
        self._ask(tick)
        ends = self.store.expire(tick)
        self._hear(tick)
        looking = [each.look(tick) for each in self.observers]
        for router in self.routers:
            router.act(tick)
        for coordinator in self.coordinators:
            coordinator.act(tick)
        self.rules.check()
        if ends is not None:
            self.wake(ends)
        if (
            self.store.late
            or any(looking)
            or self._ageing()
            or before != (self.store.revision, self.news, self.truth)
        ):
            self.wake(tick + 1)

    def _ask(self, tick: int) -> None:
        """An agent whose own check has been wrong for a while, or so it thinks, asks to be drained."""
        for at, site in self.asks:
            if at == tick and site in self.bad:
                self.command(site, site, "out", automatic=True)

    def _ageing(self) -> bool:
        """Views that nobody renews, and that somebody may still take for fresh."""
        ages = [(self.tick - each.at(self.tick)) * TICK_S for each in self.observers if not each.connected]
        return any(age <= FRESH_S + SKEW_S + TICK_S for age in ages)

    def _hear(self, tick: int) -> None:
        """One router elsewhere says what it hears of each site."""
        for i, site in enumerate(self.names):
            outside = self.routers[(i + 1) % len(self.names) * self.shape.routers]
            hears = self.announced(site)
            if outside.site != site and outside.connected and self._hearing[site] != hears:
                self._hearing[site] = hears
                word = Heard(site, outside.name, hears, outside.wall())
                self.store.apply(Write(put={key_of(word): encode(word)}), tick)
