"""The production functions with one fault each, and the shortest story in which that fault does harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.ops.drain.drain_world.logic import REAL, Logic
from tests.ops.drain.drain_world.script import Event
from tests.ops.drain.drain_world.world import Shape

from trimtab.ops.arbiter.world import SiteState, World
from trimtab.ops.drain import writes
from trimtab.ops.drain.plan import Move, Plan, Progress, Seen
from trimtab.registry.base import Write


@dataclass(frozen=True)
class Mutant:
    """rule: that has to notice it."""

    logic: Logic
    shape: Shape
    events: tuple[Event, ...]
    rule: str


def anybody_is_a_quorum(*args: Any, **more: Any) -> Any:
    return REAL.judge_all(*args, **more, quorum=1)


def unknown_is_well(*args: Any) -> World:
    found: World = REAL.world_of(*args)
    sites: Mapping[str, SiteState] = {
        name: replace(site, state="serving") if site.state == "unknown" else site
        for name, site in found.sites.items()
    }
    return replace(found, sites=sites)


def a_step_holds_for_ever(committed: Any, doing: Any, permits: Any, heard: float, now: float) -> Any:
    return REAL.wish(committed, doing, permits, now, now)


def grant_without_the_gate(*args: Any) -> Write:
    found: Write = REAL.grant(*args)
    absent = tuple(key for key in found.absent if key != "gate" and not key.startswith("decision/"))
    return replace(found, absent=absent, equal={k: v for k, v in found.equal.items() if k != "gate"})


def grant_that_nobody_counts(*args: Any) -> Write:
    found: Write = REAL.grant(*args)
    return replace(found, put={key: value for key, value in found.put.items() if key != "gate"})


def commit_without_the_permit(*args: Any) -> Write:
    found: Write = REAL.commit(*args)
    return replace(found, absent=(), equal={})


def never_judged_again(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    move: Move = REAL.next_move(plan, progress, replace(seen, objections=()), now)
    return move


def noted_without_judging(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    found: Progress = REAL.noted(plan, progress, replace(seen, objections=()), now)
    return found


def whoever_is_asked_has_done_it(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    doing = seen.doing
    told = {
        host: replace(done, step=doing.step, token=doing.token, verified=True) if doing else done
        for host, done in seen.done.items()
    }
    move: Move = REAL.next_move(plan, progress, replace(seen, done=told, heard=()), now)
    return move


def no_rest(plan: Plan, progress: Progress, seen: Seen, now: float) -> Move:
    move: Move = REAL.next_move(replace(plan, settle_s=0.0, ttl_s=0.1), progress, seen, now)
    return move


def an_agent_is_a_person(world: Any, request: Any, now: float) -> Any:
    return REAL.decide(world, replace(request, automatic=False), now)


def nobody_came_back(*args: Any) -> World:
    found: World = REAL.world_of(*args)
    return replace(found, sites={name: replace(site, since=0.0) for name, site in found.sites.items()})


def undo_leaves_the_step(*args: Any) -> Write:
    found = writes.undo(*args)
    return replace(found, delete=tuple(key for key in found.delete if not key.startswith("doing/")))


def never_open(*args: Any, **more: Any) -> None:
    return None


def open_until_silence(*args: Any, **more: Any) -> Any:
    return REAL.fail_open(*args, **{**more, "announced": False})


THREE, TWO = Shape(), Shape(sites=2)
A, B, C = 0, 1, 2
LONE = (Event(0, "blind", A), Event(0, "blind", C), Event(20, "drain", A), Event(30, "wait"))
ALONE = (Event(0, "drain", A), Event(40, "front", B), Event(0, "front", C), Event(60, "wait"))
SECOND_FAULT = (Event(0, "drain", A), Event(2, "front", B), Event(40, "wait"))
FIFTH = (Event(0, "drain", A), Event(3, "kill"), Event(14, "wait")) * 5

MUTANTS: dict[str, Mutant] = {
    "anybody is a quorum": Mutant(replace(REAL, judge_all=anybody_is_a_quorum), THREE, LONE, "last-site"),
    "unknown is well": Mutant(replace(REAL, world_of=unknown_is_well), THREE, LONE, "last-site"),
    "a step holds for ever": Mutant(
        replace(REAL, wish=a_step_holds_for_ever),
        THREE,
        (Event(0, "drain", A), Event(21, "store"), Event(40, "wait")),
        "undone-by-itself",
    ),
    "a grant without the budget": Mutant(
        replace(REAL, grant=grant_without_the_gate),
        THREE,
        (Event(0, "drain", A, 0), Event(0, "drain", B, 1), Event(10, "wait")),
        "one-at-a-time",
    ),
    "a grant that nobody counts": Mutant(replace(REAL, grant=grant_that_nobody_counts), THREE, FIFTH, "budget"),
    "a commit without the permit": Mutant(
        replace(REAL, commit=commit_without_the_permit),
        THREE,
        (*(Event(0, "mishap", 0, 3),) * 3, Event(0, "mishap", 0, 4), Event(0, "drain", A), Event(26, "kill"), Event(40, "wait")),
        "committed-with-permit",
    ),
    "never judged again": Mutant(replace(REAL, next_move=never_judged_again, noted=noted_without_judging), TWO, SECOND_FAULT, "last-site"),
    "whoever is asked has done it": Mutant(
        replace(REAL, next_move=whoever_is_asked_has_done_it),
        Shape(lags=(3,)),
        (Event(60, "drain", A), Event(40, "wait")),
        "verified",
    ),
    "no rest": Mutant(
        replace(REAL, next_move=no_rest),
        THREE,
        (
            Event(0, "drain", A),
            Event(8, "kill"),
            Event(7, "cut", 5),
            Event(1, "drain", B, 1),
            Event(40, "wait"),
        ),
        "one-at-a-time",
    ),
    "an agent is a person": Mutant(
        replace(REAL, decide=an_agent_is_a_person),
        THREE,
        (
            Event(0, "bad", A),
            Event(10, "auto", A),
            Event(40, "bad", B),
            Event(10, "auto", B),
            Event(20, "wait"),
        ),
        "one-cause",
    ),
    "nobody came back": Mutant(
        replace(REAL, world_of=nobody_came_back),
        THREE,
        (
            Event(40, "bad", A, 1),
            Event(50, "bad", A),
            Event(0, "bad", B),
            Event(12, "auto", C),
            Event(20, "wait"),
        ),
        "one-cause",
    ),
    "undo leaves the step": Mutant(
        replace(REAL, undo=undo_leaves_the_step), TWO, SECOND_FAULT, "one-at-a-time"
    ),
    "never open": Mutant(replace(REAL, fail_open=never_open), THREE, ALONE, "somebody-serves"),
    "open until silence": Mutant(
        replace(REAL, fail_open=open_until_silence), THREE, (*ALONE, Event(0, "store"), Event(60, "wait")), "store-gone"
    ),
}  # fmt: skip
