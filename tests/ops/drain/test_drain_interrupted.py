"""A drain and an undrain, interrupted once at every point and in every way: the end is done or undone, never in between.

Exhaustive, not random: each tick from the command to its end, each write with each fate, for kills, restarts, cuts and a
store that is away for longer and for shorter than a step holds unheard of.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from tests.ops.drain.drain_world.coordinator import Coordinator
from tests.ops.drain.drain_world.logic import LEASE_S, STEP_LIMIT_S, TICK_S, TTL_S
from tests.ops.drain.drain_world.script import KINDS, MISHAPS, ONE_S, Event
from tests.ops.drain.drain_world.world import Shape, World

SHAPE = Shape(sites=3, routers=2, lags=(1, 2))
SHORT, LONG = int(TTL_S / TICK_S) // 2, int((TTL_S + LEASE_S + 2.0) / TICK_S)  # an outage in ticks
BOUND = int((ONE_S + 2 * STEP_LIMIT_S) / TICK_S) + 2 * LONG
ANN, A_R0 = 3, 5  # places in `script._cut`: three sites, two desks, then the routers

# What breaks, and what mends it; None where it does not have to be mended.
BREAKS: dict[str, tuple[Event, Event | None]] = {
    "the coordinator is killed": (Event(0, "kill"), None),
    "the coordinator is cut off": (Event(0, "cut", ANN), Event(0, "cut", ANN)),
    "a router's agent is killed": (Event(0, "agent", 0), Event(0, "agent", 0)),
    "a router's agent is restarted": (Event(0, "restart", 1), None),
    "a router is cut off": (Event(0, "cut", A_R0), Event(0, "cut", A_R0)),
    "the site is cut off": (Event(0, "cut", 0), Event(0, "cut", 0)),
    "BIRD takes nothing up": (Event(0, "stuck", 0), Event(0, "stuck", 0)),
    "the store is away": (Event(0, "store"), Event(0, "store")),
}
WAYS = ("out", "back")


def do(world: World, event: Event) -> None:
    KINDS[event.kind](world, event)
    world.wake(world.tick)


def begun(way: str, mishaps: tuple[tuple[int, int], ...] = ()) -> tuple[World, Coordinator]:
    """A world in which the command has just been given. mishaps: (which write of the command, what happens to it)."""
    world = World(SHAPE)
    world.run(12)
    if way == "back":
        do(world, Event(0, "drain", 0))
        world.run(80)
        assert "steer/a" in world.store.records
    fates = [3] * 8
    for number, fate in mishaps:
        fates[number] = fate
    for fate in fates:
        do(world, Event(0, "mishap", 0, fate))
    do(world, Event(0, "undrain" if way == "back" else "drain", 0))
    return world, world.coordinators[-1]


@cache
def length(way: str) -> tuple[int, int]:
    """Ticks and writes of one that nothing interrupts."""
    world, command = begun(way)
    start = world.tick
    while command.outcome is None:
        world.run(world.tick + 1)
    assert command.outcome.done
    return world.tick - start, command.writes


def assert_whole(world: World, way: str, command: Coordinator, story: object) -> bool:
    """Whether it was done. Nothing is left under way; every router does the committed state and has said so."""
    records = world.store.records
    left = [key for key in records if key.startswith(("permit/", "doing/"))]
    assert not left, story
    drained = "steer/a" in records
    for router in world.routers:
        wanted = "withdraw" if drained and router.site == "a" else "serve"
        assert (router.bird, router.wished) == (wanted, wanted), (story, router.name)
    for site in world.names:
        for done in world.standing().done[site].values():
            assert (done.step, done.token, done.verified) == (
                "withdraw" if drained and site == "a" else "serve",
                0,
                True,
            )
    finished = drained == (way == "out")
    if command.outcome is not None:
        assert command.outcome.done == finished, (story, command.outcome)
    return finished


def test_without_an_interruption_both_ways_are_done() -> None:
    assert length("out")[1] == 4, "grant, prefer, withdraw, commit"
    assert length("back")[1] == 2, "prefer, commit"


@pytest.mark.parametrize("outage", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("way", WAYS)
def test_interrupted_at_every_tick(way: str, name: str, outage: int) -> None:
    breaks, mends = BREAKS[name]
    ends = set()
    for at in range(length(way)[0] + 2):
        world, command = begun(way)
        start = world.tick
        world.run(start + at)
        do(world, breaks)
        world.run(world.tick + outage)
        if mends:
            do(world, mends)
        world.run(start + BOUND)
        ends.add(assert_whole(world, way, command, (name, at)))
    assert True in ends, "at the latest after the end it has to be done"


@pytest.mark.parametrize("way", WAYS)
def test_each_write_with_each_fate(way: str) -> None:
    for number in range(length(way)[1]):
        for fate in range(len(MISHAPS)):
            world, command = begun(way, ((number, fate),))
            world.run(world.tick + BOUND)
            assert assert_whole(world, way, command, (number, MISHAPS[fate])), (
                "one lost answer costs a moment"
            )


def fates(way: str) -> Iterator[tuple[int, int]]:
    for number in range(length(way)[1]):
        for fate in range(len(MISHAPS)):
            yield number, fate


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_every_tick_around_each_write_with_each_fate(way: str) -> None:
    """Nobody knows whether the write was done, and whoever could find out is gone."""
    ends = {True: 0, False: 0}
    for mishap in fates(way):
        for at in range(length(way)[0] + 2):
            world, command = begun(way, (mishap,))
            start = world.tick
            world.run(start + at)
            do(world, Event(0, "kill"))
            world.run(start + BOUND)
            ends[assert_whole(world, way, command, (mishap, at))] += 1
    assert min(ends.values()) > 0


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_of_a_router_get_lost(way: str) -> None:
    for router in (5, 6):  # places in `script._mishap`: four times a desk before
        for fate in range(len(MISHAPS)):
            for count in (1, 2, 5):
                world, command = begun(way)
                for _ in range(count):
                    do(world, Event(0, "mishap", router - 1, fate))
                world.run(world.tick + BOUND)
                assert_whole(world, way, command, (router, MISHAPS[fate], count))


@pytest.mark.parametrize("way", WAYS)
def test_two_interruptions(way: str) -> None:
    """Every pair of a restart of a router at one tick and the end of the coordinator, or of the store, at another."""
    for first in range(0, length(way)[0], 2):
        for second in range(first, length(way)[0], 2):
            for other in ("kill", "store"):
                world, command = begun(way)
                start = world.tick
                world.run(start + first)
                do(world, Event(0, "restart", 0))
                world.run(start + second)
                do(world, Event(0, other))
                world.run(world.tick + LONG)
                if other == "store":
                    do(world, Event(0, "store"))
                world.run(start + BOUND)
                assert_whole(world, way, command, (first, second, other))
