"""Members are taken out without waiting for what is under way to them: asked for, written, and over.

Who is asked is the arbiter, under `LocalDrain`; a change that takes nothing away asks nobody. What cannot be asked is
refused, unless it is forced: then the site's registry alone decides, with the floors that every plan has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from trimtab.errors import Conflict, Denied
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.world import Request
from trimtab.ops.drain.local import ArbiterUnavailable, LocalDrain, Overtaken
from trimtab.ops.overrides.member import ATTEMPTS, WritePlan, write_planned
from trimtab.registry.base import Snapshot, Write

HINT = "--force --reason WHY goes by the site's own registry alone"


@dataclass(frozen=True, slots=True)
class Taking:
    """plan: what is to be written. asks: what that takes away from a snapshot of the site's registry, a request each; none:
    nothing. force: also where nobody can be asked.
    """

    plan: WritePlan
    asks: Callable[[Snapshot], tuple[Request, ...]]
    force: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """changed: whether something was written, or would be. note: what is said besides, "" for nothing."""

    changed: bool
    note: str = ""


class _More(Exception):
    """It would take away more than was asked for: somebody has changed the pool since."""


async def take(work: LocalDrain, taking: Taking) -> Taken:
    """Raises Denied with every objection, which is kept in the store, or because nobody can be asked; and as the plan,
    BadInput and DriverError. Then nothing was written.
    """
    for _ in range(ATTEMPTS):
        requests = taking.asks(await work.registry.read())
        with suppress(_More, Overtaken):
            return await _taken(work, taking, requests)
    raise Conflict(f"others have changed the pool, {ATTEMPTS} times", "nothing was written: ask again")


async def _taken(work: LocalDrain, taking: Taking, requests: Sequence[Request]) -> Taken:
    plan = _no_more(taking, requests)
    if not requests:
        return Taken(await write_planned(work.registry, plan))
    try:
        return Taken(await work.take(requests, plan))
    except ArbiterUnavailable as error:
        note = _alone(requests, taking.force, error)
        return Taken(await write_planned(work.registry, plan), note)


async def tried(work: LocalDrain, taking: Taking) -> Taken:
    """What would be answered, and nothing written. Raises as `take`."""
    snapshot = await work.registry.read()
    note = ""
    if requests := taking.asks(snapshot):
        try:
            _, answers = await work.look_at(requests)
        except ArbiterUnavailable as error:
            note = _alone(requests, taking.force, error)
        else:
            asked = list(zip(requests, answers, strict=True))
            if not all(answer.granted for answer in answers):
                raise ArbiterDenied(asked)
            note = "; ".join(
                [*(_left(*each) for each in asked), *(text for each in answers for text in each.overruled)]
            )
    return Taken(taking.plan(snapshot) is not None, note)


def _no_more(taking: Taking, requests: Sequence[Request]) -> WritePlan:
    def plan(snapshot: Snapshot) -> Write | None:
        if set(taking.asks(snapshot)) - set(requests):
            raise _More
        return taking.plan(snapshot)

    return plan


def _alone(requests: Sequence[Request], force: bool, error: ArbiterUnavailable) -> str:
    """What is said of having asked nobody. Raises Denied without force."""
    if force:
        return f"the estate's store was not asked ({error.message}): by the site's own registry alone"
    names = ", ".join(each.target for each in requests)
    raise Denied(
        f"{names} is not drained: nothing was begun\n  the estate's store cannot be asked: {error.message}",
        "; or ".join(filter(None, (error.hint, HINT))),
    ) from error


def _left(request: Request, answer: Answer) -> str:
    pool, effect = request.target.partition("/")[0], answer.effect
    return f"{effect.peers} of {effect.peers_of} members of {pool} would be well"
