"""The whole of it under random scripts: operators and agents at once, faults, cuts, kills, lost and late writes, wrong clocks.

TRIMTAB_EXAMPLES says how many scripts are played; one takes a few milliseconds.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ops.drain.drain_world.mutants import MUTANTS, Mutant
from tests.ops.drain.drain_world.rules import Violation
from tests.ops.drain.drain_world.script import KINDS, WEIGHED, Event, decoded, play
from tests.ops.drain.drain_world.world import Shape, World

EXAMPLES = int(os.environ.get("TRIMTAB_EXAMPLES", "400"))


@pytest.mark.timeout(60 + EXAMPLES // 10)  # also beside a long measurement
@given(st.binary(min_size=26, max_size=62))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_nothing_that_happens_breaks_a_rule(raw: bytes) -> None:
    play(*decoded(raw))


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_each_fault_in_the_logic_is_noticed(mutant: Mutant) -> None:
    play(mutant.shape, mutant.events)  # the logic itself comes through the same story
    with pytest.raises(Violation) as caught:
        play(mutant.shape, mutant.events, mutant.logic)
    assert caught.value.rule == mutant.rule


def test_every_kind_of_event_is_drawn() -> None:
    assert set(WEIGHED) == set(KINDS)


# ---- stories that a reader should know


def outcomes(world: World) -> list[tuple[str, str, bool]]:
    return [(each.by, each.site, each.outcome.done) for each in world.coordinators if each.outcome]


def why(world: World, number: int = 0) -> str:
    outcome = world.coordinators[number].outcome
    return outcome.why if outcome else ""


def test_a_drain_is_committed_and_brought_back() -> None:
    world = play(Shape(), [Event(0, "drain", 0)])
    assert outcomes(world) == [("ann", "a", True), ("end", "a", True)]
    steps = [key for _, change in world.store.history for key in change.put if key.startswith("steer/")]
    assert steps == ["steer/a"]


def test_of_two_at_once_the_second_is_told_of_the_first() -> None:
    world = play(Shape(), [Event(0, "drain", 0, 0), Event(0, "drain", 1, 1), Event(40, "wait")])
    assert outcomes(world)[:2] == [("bob", "b", False), ("ann", "a", True)] or outcomes(world)[:2] == [
        ("ann", "a", True),
        ("bob", "b", False),
    ]
    assert why(world, 1) == "under-way"


def test_a_second_fault_during_a_drain_undoes_it() -> None:
    world = play(Shape(sites=2), [Event(0, "drain", 0), Event(2, "front", 1), Event(40, "wait")])
    assert outcomes(world) == [("ann", "a", False)]
    assert "no site is known to serve" in why(world)
    assert not any(key.startswith("steer/") for _, change in world.store.history for key in change.put)


@pytest.mark.parametrize("after", range(12))
def test_checks_that_are_wrong_everywhere_take_one_site_at_most(after: int) -> None:
    """Each agent asks for its own site again and again; who is second is refused, however far apart they are."""
    asks = [Event(1, "auto", site) for _ in range(4) for site in (0, 1, 2)]
    broken = [Event(0, "bad", 0), Event(after, "bad", 0, 1)]
    world = play(Shape(), [*broken, *asks, Event(20, "wait"), *asks, Event(30, "wait")])
    drained = {key for _, change in world.store.history for key in change.put if key.startswith("steer/")}
    assert drained <= {"steer/a"}


def test_a_drained_site_announces_again_while_the_others_do_not_serve() -> None:
    world = World(Shape())
    world.run(12)
    KINDS["drain"](world, Event(0, "drain", 0))
    world.wake(12)
    world.run(60)
    assert not world.announced("a")
    for number in (1, 2):
        KINDS["front"](world, Event(0, "front", number))
    world.run(80)
    assert world.announced("a")
    assert "b is unhealthy, c is unhealthy" in (world.routers[0].why or "")
    KINDS["front"](world, Event(0, "front", 2))
    world.run(100)
    assert not world.announced("a"), "the word stands again"
