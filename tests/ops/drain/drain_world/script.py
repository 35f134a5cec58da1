"""A script: what happens when, and what has to be true in the end. As bytes, so that a shorter or smaller one is simpler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.ops.drain.drain_world.logic import LEASE_S, REAL, SETTLE_S, STEP_LIMIT_S, TICK_S, TTL_S, Logic
from tests.ops.drain.drain_world.rules import Violation
from tests.ops.drain.drain_world.store import Mishap
from tests.ops.drain.drain_world.world import DESKS, NAMES, Shape, World

from trimtab.ops.arbiter.world import Freeze
from trimtab.ops.drain import writes

WAITS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 60, 5)  # ticks
ONE_S = 2 * STEP_LIMIT_S + max(SETTLE_S, TTL_S) + LEASE_S + 4.0  # no drain and no undrain takes longer
MISHAPS: tuple[Mishap, ...] = ("lost", "ambiguous", "late", "none", "straggler")


@dataclass(frozen=True)
class Event:
    """wait: ticks before it. which, more: of what, as the kind takes it."""

    wait: int
    kind: str
    which: int = 0
    more: int = 0


def play(shape: Shape, events: Sequence[Event], logic: Logic = REAL) -> World:
    """To the end, when all is well again and everybody is brought back. Raises Violation."""
    world = World(shape, logic)
    world.run(12)  # until every vantage point has come to its words
    for event in events:
        if event.wait:  # otherwise it happens at the same tick as the one before
            world.run(world.tick + event.wait)
        KINDS[event.kind](world, event)
        world.wake(world.tick)
    _end(world)
    return world


def _end(world: World) -> None:
    heal(world, Event(0, "heal"))
    for name in DESKS:
        world.store.mishaps.pop(name, None)
    world.run(world.tick + _ticks(ONE_S))
    for _ in range(2):  # one drain may just have been committed
        for site in world.names:
            if f"steer/{site}" in world.store.records:
                undrain = world.command("end", site, "back")
                world.wake(world.tick)
                world.run(world.tick + _ticks(ONE_S))
                if undrain.outcome is None or not undrain.outcome.done:
                    raise Violation(
                        "back-to-full", world.tick, f"{site} cannot be brought back: {undrain.outcome}"
                    )
    _is_full(world)


def _is_full(world: World) -> None:
    left = [key for key in world.store.records if key.startswith(("permit/", "doing/", "steer/"))]
    astray = [f"{r.name} does {r.bird}" for r in world.routers if r.bird != "serve"]
    running = [
        f"{each.name} never ended" for each in world.coordinators if each.outcome is None and each.alive
    ]
    if left or astray or running:
        raise Violation("back-to-full", world.tick, ", ".join([*left, *astray, *running]))
    standing, now = world.standing(), world.verdicts(0.0)
    judged = world.logic.world_of(standing, world.facts, now)
    if judged.carrying() != tuple(sorted(world.names)):
        raise Violation("back-to-full", world.tick, f"only {judged.carrying()} carry")


def _ticks(seconds: float) -> int:
    return int(seconds / TICK_S) + 1


# ---- what can happen


def _site(world: World, event: Event) -> str:
    return world.names[event.which % len(world.names)]


def _desk(event: Event) -> str:
    return DESKS[event.more % len(DESKS)]


def _drain(world: World, event: Event) -> None:
    world.command(_desk(event), _site(world, event), "out")


def _force(world: World, event: Event) -> None:
    world.command(_desk(event), _site(world, event), "out", force=True)


def _undrain(world: World, event: Event) -> None:
    """Of what is drained, if anything is."""
    drained = [name for name in world.names if f"steer/{name}" in world.store.records]
    site = drained[event.which % len(drained)] if drained else _site(world, event)
    world.command(_desk(event), site, "back")


def _auto(world: World, event: Event) -> None:
    """The agent of the site asks, for its site."""
    site = _site(world, event)
    world.command(site, site, "out", automatic=True)


def _toggle(found: set[str], name: str) -> None:
    found.symmetric_difference_update({name})


def _bad(world: World, event: Event) -> None:
    """A change breaks the check of one site, or of all of them at once; a while later their agents ask to be drained."""
    names = world.names if event.more % 2 else (_site(world, event),)
    wrong = not set(names) <= world.bad
    world.change(lambda: world.bad.update(names) if wrong else world.bad.difference_update(names))
    for name in names if wrong else ():
        for after in (6, 16, 40):
            world.asks.append((world.tick + after, name))
            world.wake(world.tick + after)


def _front(world: World, event: Event) -> None:
    site = _site(world, event)
    world.changed = world.tick
    world.change(lambda: world.fronts.update({site: not world.fronts[site]}))


def _power(world: World, event: Event) -> None:
    site = _site(world, event)
    world.changed = world.tick
    world.change(lambda: _switch(world, site, not world.power[site]))


def _switch(world: World, site: str, on: bool) -> None:
    if world.power[site] == on:
        return
    world.power[site] = on
    for actor in (*world.observers, *world.routers):
        if actor.place == site:
            if on:
                actor.boot()
            actor.alive = on
    for each in world.coordinators:
        each.alive = each.alive and (on or each.place != site)


def _cut(world: World, event: Event) -> None:
    """A whole site, an operator's desk, or one router."""
    places = [*world.names, *DESKS, *(router.name for router in world.routers)]
    world.change(lambda: _toggle(world.cut, places[event.which % len(places)]))


def _store(world: World, event: Event) -> None:
    if world.store.up:
        world.change(lambda: setattr(world.store, "up", False))
    else:
        world.change(lambda: world.store.back(world.tick))


def _kill(world: World, event: Event) -> None:
    """The newest coordinator that runs, or the one before."""
    running = [each for each in world.coordinators if each.alive]
    if running:
        chosen = running[-1 - event.which % len(running)]
        world.change(lambda: setattr(chosen, "alive", False))


def _agent(world: World, event: Event) -> None:
    """Killed, or started again."""
    router = world.routers[event.which % len(world.routers)]
    if not world.power[router.site]:
        return
    world.change(router.boot if not router.alive else lambda: setattr(router, "alive", False))


def _restart(world: World, event: Event) -> None:
    router = world.routers[event.which % len(world.routers)]
    if world.power[router.site]:
        world.change(router.boot)


def _mishap(world: World, event: Event) -> None:
    writers = [*DESKS, *DESKS, *(router.name for router in world.routers)]
    who = writers[event.which % len(writers)]
    world.store.mishaps.setdefault(who, []).append(MISHAPS[event.more % 5])


def _stuck(world: World, event: Event) -> None:
    router = world.routers[event.which % len(world.routers)]
    world.change(lambda: setattr(router, "stuck", not router.stuck))


def _blocked(world: World, event: Event) -> None:
    pair = (world.names[event.more % len(world.names)], _site(world, event))
    world.change(lambda: world.blocked.symmetric_difference_update({pair}))


def _blind(world: World, event: Event) -> None:
    observer = world.observers[event.which % len(world.observers)]
    world.change(lambda: setattr(observer, "blind", not observer.blind))


def _freeze(world: World, event: Event) -> None:
    snapshot = world.store.snapshot()
    change = writes.thaw(snapshot, Freeze("ann", "", 0.0)) or writes.freeze(snapshot, Freeze("ann", "", 0.0))
    if world.store.up:
        world.store.apply(change, world.tick)


def heal(world: World, event: Event) -> None:
    """Every cause ends; what operators and agents have done stays."""
    world.change(lambda: _well(world))
    if "freeze" in world.store.records:
        _freeze(world, event)


def _well(world: World) -> None:
    if not all(map(world.healthy, world.names)):
        world.changed = world.tick
    for found in (world.bad, world.blocked, world.cut):
        found.clear()
    if not world.store.up:
        world.store.back(world.tick)
    for site in world.names:
        world.fronts[site] = True
        _switch(world, site, True)
    for observer in world.observers:
        observer.blind = False
    for router in world.routers:
        router.stuck = False
        if not router.alive:
            router.boot()


KINDS: dict[str, Callable[[World, Event], None]] = {
    "wait": lambda world, event: None,
    "drain": _drain,
    "undrain": _undrain,
    "force": _force,
    "auto": _auto,
    "bad": _bad,
    "front": _front,
    "power": _power,
    "cut": _cut,
    "store": _store,
    "kill": _kill,
    "agent": _agent,
    "restart": _restart,
    "mishap": _mishap,
    "stuck": _stuck,
    "blocked": _blocked,
    "blind": _blind,
    "freeze": _freeze,
    "heal": heal,
}
WEIGHED = (
    *("wait", "drain", "drain", "drain", "drain", "drain", "undrain", "undrain", "force", "auto", "auto", "bad"),
    *("front", "front", "power", "cut", "cut", "store", "kill", "agent", "restart", "mishap", "mishap", "mishap"),
    *("stuck", "blocked", "blind", "freeze", "heal", "heal", "store", "front"),
)  # fmt: skip
SKEWS = ((0.0,), (0.0, 2.5, -2.5), (2.5, -2.5), (-1.0, 2.0, 0.5))
LAGS = ((1,), (0,), (1, 3), (2, 0, 1))
SITES = (3, 2, 3, 4, 2, 5, 1, 3)


def decoded(raw: bytes) -> tuple[Shape, list[Event]]:
    """Two bytes are the shape, each further three an event."""
    first, second = (*raw, 0, 0)[:2]
    sites = SITES[first % 8]
    floor = 1 + (first // 64) % 2 if sites > 2 else 1
    shape = Shape(
        sites, 1 + (first // 8) % 2, floor, 2 + second // 16 % 3, SKEWS[second % 4], LAGS[second // 4 % 4]
    )
    events = [
        Event(WAITS[a % 16], WEIGHED[b % 32], c % 16, c // 16)
        for a, b, c in zip(raw[2::3], raw[3::3], raw[4::3], strict=False)
    ]
    return shape, events


assert len(WEIGHED) == 32 and len(NAMES) == 5
