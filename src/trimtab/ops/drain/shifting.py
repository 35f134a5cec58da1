"""A word on what a site's upstreams are told beside the estate: asked of the arbiter, written, and verified by its routers.

It is judged as a drain of the site is, as far as the rules are about what the others get: whoever can leave may leave, all at
once. What they say about who is left does not hold, for the site stays announced. The act is one word in the same transaction
as its place in the budget, so there is no permit, nothing is under way, and there is nothing to undo.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from trimtab.errors import InvalidResponse
from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.ledger import MAX_GRANTS
from trimtab.ops.arbiter.records import BUDGET, FREEZE, encode, key_of
from trimtab.ops.arbiter.world import Grant, Limits, Request
from trimtab.ops.drain import writes
from trimtab.ops.drain.granting import PAUSE_S, Granting, Situation, Watching
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.plan import Finished
from trimtab.ops.drain.standing import Standing
from trimtab.ops.overrides.member import as_read, write_planned
from trimtab.ops.steering.shift import Shift, UpstreamShift, changed
from trimtab.registry.base import Registry, Snapshot, Write

LIMIT_S = 20.0  # as a step of a drain has
MOMENT_S = 0.001


class Shifting:
    """tell: told what is done or waited for, a word and a sentence. now: seconds of a monotonic clock; wall: since 1970."""

    def __init__(
        self,
        store: Registry,
        facts: Facts,
        watching: Watching,
        tell: Callable[[str, str], None],
        *,
        limit_s: float | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._facts, self._tell = store, facts, tell
        self._limit_s, self._now, self._wall = LIMIT_S if limit_s is None else limit_s, now, wall
        self._granting = Granting(store, self._known, watching, now=now, wall=wall)

    async def _known(self) -> Facts:
        return self._facts

    async def look(self, request: Request) -> tuple[Situation, Answer]:
        """What would be said of a request now. Raises DriverError."""
        found, answers = await self._granting.look([request])
        return found, answers[0]

    async def shift(self, request: Request, named: tuple[str, ...], asked: UpstreamShift) -> Finished:
        """named: the upstreams. asked: what each is told. Raises ArbiterDenied, with every objection, and DriverError."""
        snapshot = await self._store.read()
        if _word(snapshot, request, named, asked, 0.0).upstreams == _stands(snapshot, request.site):
            return Finished(True, f"no change: {request.site} is shifted so already")
        words: list[Shift] = []

        def write(found: Situation, answered: tuple[writes.Asked, ...]) -> Write:
            (only,) = answered
            words.append(_word(found.snapshot, request, named, asked, only.at))
            return shifted(found.snapshot, only, words[-1], found.world.limits)

        await self._granting.ask([request], 0, instead=write)
        self._tell("shift", f"{request.site} is announced to {', '.join(named)} with {asked.words}")
        return await self._verified(words[-1], f"{request.site} is shifted")

    async def clear(self, request: Request, named: tuple[str, ...], dry_run: bool = False) -> Finished:
        """It takes nothing from anybody, so nobody is asked. Raises DriverError."""
        if dry_run:
            return Finished(True, "nobody would be asked")
        words: list[Shift] = []

        def plan(snapshot: Snapshot) -> Write | None:
            word = _word(snapshot, request, named, None, round(self._wall(), 3))
            words.append(word)
            return (
                None
                if word.upstreams == _stands(snapshot, request.site)
                else cleared(snapshot, request, word)
            )

        if not await write_planned(self._store, plan):
            return Finished(True, f"no change: nothing is shifted at {', '.join(named)}")
        self._tell("clear", f"{request.site} is announced to {', '.join(named)} as the estate has it")
        return await self._verified(
            words[-1], f"{request.site} is as the estate has it at {', '.join(named)}"
        )

    async def _verified(self, word: Shift, done: str) -> Finished:
        """The word stands whatever the routers say of it within limit_s."""
        ends, routers = self._now() + self._limit_s, self._facts.routers.get(word.site, ())
        said = ""
        while missing := lacking(Standing.of(await self._store.read()), word, routers):
            if self._now() >= ends:
                return Finished(False, f"the word stands, and is not verified: {'; '.join(missing)}")
            if said != (said := "; ".join(missing)):
                self._tell("waits", said)
            await asyncio.sleep(PAUSE_S)
        return Finished(True, f"{done}; every router has verified it")


def _word(
    snapshot: Snapshot, request: Request, named: tuple[str, ...], asked: UpstreamShift | None, at: float
) -> Shift:
    """What stands with this said. Raises InvalidResponse where what stands cannot be read: it would be lost."""
    site, key = request.site, f"shift/{request.site}"
    stands = Standing.of(snapshot).shifts.get(site)
    if stands is None and key in snapshot.records:
        hint = "a later Trimtab's needs that one here; else delete it with etcdctl and shift anew"
        raise InvalidResponse(f"the record {key} of the estate's store cannot be read", hint)
    before = stands.upstreams if stands else ()
    at = max(at, round(stands.at + MOMENT_S, 3)) if stands else at
    return Shift(site, request.by, request.reason, at, changed(before, named, asked))


def _stands(snapshot: Snapshot, site: str) -> tuple[UpstreamShift, ...]:
    found = Standing.of(snapshot).shifts.get(site)
    return found.upstreams if found else ()


# ---- the transactions, and what routers say


def shifted(snapshot: Snapshot, asked: writes.Asked, word: Shift, limits: Limits) -> Write:
    """The word, its place in the budget and the row of the decision, for what it was judged on. Raises BadInput.

    The budget has it as a drain: a kind that agents of an earlier release do not know would be a budget that they cannot read.
    """
    budget = Standing.of(snapshot).change_budget
    kept = [each for each in budget.grants if asked.at - each.at < limits.window_s][1 - MAX_GRANTS :]
    grant = Grant(asked.at, "drain-site", asked.request.site, asked.request.target)
    counted = replace(budget, number=budget.number + 1, grants=(*kept, grant))
    row = writes.decided(snapshot, [asked])
    held = as_read(snapshot, [BUDGET, FREEZE, f"steer/{word.site}", f"doing/{word.site}", key_of(word)])
    return Write(
        put={**row.put, BUDGET: encode(counted), key_of(word): encode(word)},
        delete=row.delete,
        absent=(*row.absent, *held["absent"]),
        equal=held["equal"],
    )


def cleared(snapshot: Snapshot, request: Request, word: Shift) -> Write:
    """word: what is left of the shift, maybe nothing; it stays, so that routers can say that they have come to it."""
    row, held = writes.tell(snapshot, request, word.at), as_read(snapshot, [key_of(word)])
    return Write(
        put={**row.put, key_of(word): encode(word)},
        delete=row.delete,
        absent=(*row.absent, *held["absent"]),
        equal=held["equal"],
    )


def lacking(standing: Standing, word: Shift, routers: tuple[str, ...]) -> list[str]:
    """The site's routers that have not verified the word, and why, for people."""
    found, said = [], standing.done.get(word.site, {})
    for host in routers:
        done = said.get(host)
        if done is None:
            found.append(f"{host} has said nothing")
        elif done.shift != word.at:
            found.append(f"{host} has not answered")
        elif not done.verified:
            found.append(f"{host} has not verified it" + (f": {done.amiss}" if done.amiss else ""))
    return found
