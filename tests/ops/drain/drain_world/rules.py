"""What has to hold at every tick, said in other words than the logic's own. A breach is raised with the rule's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ops.drain.drain_world.logic import DETECTION_S, FRESH_S, LIMITS, SKEW_S, TICK_S, TTL_S, WINDOW_S

from trimtab.ops.arbiter.records import decode
from trimtab.ops.arbiter.world import AUTOMATIC, Permit
from trimtab.ops.drain.plan import Plan
from trimtab.ops.health.reading import state_of
from trimtab.ops.steering.wish import Committed, Step

if TYPE_CHECKING:
    from tests.ops.drain.drain_world.coordinator import Coordinator
    from tests.ops.drain.drain_world.router import Router
    from tests.ops.drain.drain_world.world import World

GRACE = 3  # ticks that an agent and BIRD may take beside their lag
QUIET = int((DETECTION_S + 3.0) / TICK_S)


class Violation(AssertionError):
    def __init__(self, rule: str, tick: int, what: str) -> None:
        super().__init__(f"{rule} at {tick * TICK_S:.1f} s: {what}")
        self.rule = rule


class Rules:
    def __init__(self, world: World) -> None:
        self.world = world
        self.granted: list[tuple[int, Coordinator]] = []
        self._read = 0  # of the store's history
        self._permits: dict[str, Permit] = {}
        self._stands: dict[str, Committed] = {}
        self._fault = -QUIET - 1  # the last tick at which anything was truly wrong
        self._disturbed = -QUIET - 1  # … or at which any way or any observer was
        self._floor = world.shape.floor  # 1 from when somebody forces, or drains what did not carry anyway
        self._blurred = -QUIET - 1  # … or at which a way was, or an observer, or the store away
        self._unable: dict[str, int] = {}  # routers: the last tick without their agent, or with BIRD stuck

    def fail(self, rule: str, what: str) -> None:
        raise Violation(rule, self.world.tick, what)

    def check(self) -> None:
        self._stored()
        self._announced()
        self._tentative()

    def remember(self) -> None:
        """At the beginning of a tick, and before anything changes: what is wrong now."""
        world, tick = self.world, self.world.tick
        if not all(map(world.healthy, world.names)):
            self._fault = tick
        ways = world.cut or world.blocked or not world.store.up
        able = sum(each.alive and not each.blind for each in world.observers)
        if ways or world.bad or able <= len(world.names) // 2:
            self._disturbed = tick
        if ways or able < len(world.names):
            self._blurred = tick
        for router in world.routers:
            if not router.alive or router.stuck:
                self._unable[router.name] = tick

    # ---- the store

    def _stored(self) -> None:
        history = self.world.store.history
        for tick, change in history[self._read :]:
            for key, value in change.put.items():
                if key.startswith("steer/"):
                    self._committed(decode(key, value))
            for key in change.delete:
                self._permits.pop(key, None)
                self._stands.pop(key, None)
            for key, value in change.leased.items():
                if key.startswith("permit/"):
                    self._permitted(key, value, tick)
            under_way = sorted(each.site for each in self._permits.values() if each.kind == "drain-site")
            if len(under_way) > 1:
                self.fail("one-at-a-time", f"{', '.join(under_way)} are under way together")
        self._read = len(history)
        for key in self.world.store.records:
            if key.startswith("doing/") and not any(p.site == key[6:] for p in self._permits.values()):
                self.fail("one-at-a-time", f"{key} without a permit")

    def _committed(self, found: object) -> None:
        """Or it is the word of agents that stands, and has become a person's."""
        if not isinstance(found, Committed):
            self.fail("committed-with-permit", f"{found} is no word")
            return
        before = self._stands.get(f"steer/{found.site}")
        taken = before is not None and before.by == AUTOMATIC and before.permit == found.permit
        if not taken and f"permit/{found.permit}" not in self._permits:
            self.fail("committed-with-permit", f"{found} without its permit")
        self._stands[f"steer/{found.site}"] = found

    def _permitted(self, key: str, value: bytes, tick: int) -> None:
        found = decode(key, value)
        if isinstance(found, Permit) and key not in self._permits:
            self._permits[key] = found
            if found.kind == "drain-site":
                by = next(each for each in self.world.coordinators if each.id == found.id)
                self.granted.append((tick, by))
                self._in_budget(tick)
                if by.force or (by.answer and not by.answer.effect.takes):
                    self._floor = 1
                self._one_cause(by)

    def _in_budget(self, tick: int) -> None:
        """By the true time, and in a window that is shorter by what the clocks are apart; who forced is not refused."""
        recent = [by for at, by in self.granted if (tick - at) * TICK_S < WINDOW_S - SKEW_S]
        forced = sum(by.force for by in recent)
        most = self.world.shape.changes
        if len(recent) - forced > most or (not recent[-1].force and len(recent) > most):
            self.fail("budget", f"{len(recent)} grants, {forced} of them forced")

    def _one_cause(self, by: Coordinator) -> None:
        if by.automatic:
            others = [key[6:] for key in self.world.store.records if key.startswith("steer/")]
            if others:
                self.fail("one-cause", f"an agent takes {by.site} after {', '.join(others)}")
            self._together(by)

    def _together(self, by: Coordinator) -> None:
        """Nor the last of those that looked unhealthy at one time, as that is over for the others. Where everybody saw it."""
        world = self.world
        began = world.bad_since.get(by.site)
        if began is None or began <= self._blurred + QUIET:
            return
        for name, (since, until) in world.bad_until.items():
            seen = (until - max(since, began)) * TICK_S > DETECTION_S
            if name != by.site and seen and (world.tick - until) * TICK_S < LIMITS.well_s - SKEW_S:
                self.fail(
                    "one-cause", f"an agent takes {by.site}, which was unhealthy beside {name} a moment ago"
                )

    # ---- steps

    def steps(self, by: Coordinator, plan: Plan, step: Step) -> None:
        """As it is decided, whether or not the write arrives."""
        if plan.way != "out" or step != "withdraw":
            return
        others = [name for name in self._elsewhere(plan.site) if self._by_quorum(name)]
        if not others:
            self.fail("last-site", f"{plan.site} is withdrawn, and no other site is known to serve")
        floor = self.world.shape.floor if plan.took and not plan.force else 1
        true = [name for name in self._elsewhere(plan.site) if self._serves(name)]
        if self.world.tick - self._fault > QUIET and len(true) < floor:
            self.fail(
                "last-site", f"{plan.site} is withdrawn, in truth there is {true}, the floor is {floor}"
            )

    def _elsewhere(self, site: str) -> list[str]:
        away = self.world.standing().away()
        return [name for name in self.world.names if name != site and name not in away]

    def _serves(self, site: str) -> bool:
        return self.world.healthy(site) and self.world.announced(site)

    def _by_quorum(self, site: str) -> bool:
        """What anybody with any clock could take for fresh."""
        world, votes = self.world, 0
        for each in world.observers:
            at = each.at(world.tick)
            fresh = at >= 0 and (world.tick - at) * TICK_S <= FRESH_S + SKEW_S
            votes += fresh and site in each.published and state_of(each.published[site]) == "serving"
        return votes > len(world.names) // 2

    def commits(self, plan: Plan) -> None:
        """As it is decided. Only where nothing was lost: an answer that comes late is of a moment ago."""
        world = self.world
        routers = [each for each in world.routers if each.site == plan.site]
        undisturbed = world.tick - self._disturbed > QUIET and not world.store.mishaps
        if plan.way == "out" and undisturbed and any(each.bird != "withdraw" for each in routers):
            self.fail("verified", f"{plan.site} is committed, and a router still announces it")

    # ---- the routers

    def turns(self, router: Router, step: Step) -> None:
        """A router changes what it announces."""
        world = self.world
        silent = world.tick - router.contact(world.tick)
        if router.connected or silent <= router.lag + 1 or self._was_unable(router):
            return  # it catches up with what it was told
        standing = router.committed.step if router.committed else "serve"
        if step not in (standing, "serve" if router.why else standing):
            self.fail("store-gone", f"{router.name} goes to {step} by itself, its word is {standing}")
        if router.doing is None:
            self.fail("store-gone", f"{router.name} leaves {router.bird}, which stands, for {step}")

    def _was_unable(self, router: Router) -> bool:
        return self.world.tick - self._unable.get(router.name, -99) <= GRACE + router.lag

    def _announced(self) -> None:
        world = self.world
        serving = [name for name in world.names if self._serves(name)]
        well = world.tick - self._fault > QUIET
        if well and len(serving) < self._floor:
            self.fail("somebody-serves", f"nothing is wrong anywhere, and only {serving} are announced")
        lately = max((self._disturbed, *self._unable.values()))
        if serving or world.tick - lately <= QUIET:
            return
        able = [name for name in world.names if world.healthy(name)]
        if able and world.tick - world.changed > QUIET:
            self.fail("somebody-serves", f"{', '.join(able)} could, and nobody is announced")

    def _tentative(self) -> None:
        world, sites = self.world, set[str]()
        for router in world.routers:
            doing, tick = router.doing, world.tick
            if doing is None or self._was_unable(router):
                continue
            silent = (tick - router.contact(tick)) * TICK_S
            standing = router.committed.step if router.committed else "serve"
            if silent > TTL_S + (GRACE + router.lag) * TICK_S and router.bird not in (standing, "serve"):
                self.fail("undone-by-itself", f"{router.name} still does {router.bird} after {silent} s")
            if router.bird == "withdraw" and standing == "serve":
                sites.add(router.site)
        if len(sites) > 1:
            self.fail("one-at-a-time", f"{', '.join(sorted(sites))} are away together")
