"""How often a fault stays within a promise, from the parts of its prediction.

Any length of a term is as likely as another one, and none knows of another; elections have chances of their own, split votes
included. Of alternatives the worst one is taken: nobody knows how often each happens.
"""

from __future__ import annotations

import math
from functools import lru_cache

from trimtab.timing.contest import lasts_at_worst
from trimtab.timing.parts import Group, Part, Term, walk
from trimtab.timing.spread import (
    Spread,
    first_of_spreads,
    last_of_spreads,
    plus,
    plus_spread,
    spread_of,
    worst_of_spreads,
)

# Cells of a grid from the best case to the worst without a split vote.
CELLS = 400
# Below that, a promise is one that a fault now and then breaks.
SHARE = 0.999


def within(part: Part, promised: float) -> float:
    """The chance that a fault is over by then, 0 to 1. promised: seconds, compared to the millisecond.

    0 where the worst case is `until repair`; 1 where the worst case keeps it and no election is in it.
    """
    span = part.time
    if not span.bounded or promised < round(span.low, 3):
        return 0.0
    if not elects(part) and promised >= round(span.high, 3):
        return 1.0
    return min(1.0, _whole(part).by(promised))


def least(part: Part, share: float = SHARE) -> float:
    """Seconds that a fault stays within with that chance; infinite where it is `until repair`."""
    if not part.time.bounded:
        return math.inf
    return _whole(part).until(share) if elects(part) else min(part.time.high, _whole(part).until(share))


def elects(part: Part) -> bool:
    """Is an election in it, which may take longer than its interval?"""
    return any(isinstance(inner, Group) and inner.contests for _, inner in walk(part))


@lru_cache(maxsize=512)
def _whole(part: Part) -> Spread:
    span = part.time
    return _spread(part, max((span.high - span.low) / CELLS, 0.0005))


def _spread(part: Part, step: float) -> Spread:
    if isinstance(part, Term):
        return spread_of(part.time)
    if part.contests:
        return lasts_at_worst(part.contests)
    if part.join == "sum":
        return _sum(part, step)
    inner = [_spread(one, step) for one in part.parts if one.time.bounded]
    join = {"last": last_of_spreads, "first": first_of_spreads, "either": worst_of_spreads}[part.join]
    return join(inner, step)


def _sum(group: Group, step: float) -> Spread:
    """Groups first: an interval is added to anything in one pass."""
    found = Spread(0.0, step, (1.0,))
    for one in group.parts:
        if isinstance(one, Group):
            found = plus_spread(found, _spread(one, step), step)
    for one in group.parts:
        if isinstance(one, Term):
            found = plus(found, one.time, step)
    return found
