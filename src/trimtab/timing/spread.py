"""How likely each length of a span is, and how that adds up: chances on a grid of seconds."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from trimtab.timing.interval import Interval

POINT = 1e-9  # seconds: what is no wider has no width; a chance is divided by it


@dataclass(frozen=True, slots=True)
class Spread:
    """The chance that a span is over by a moment, in straight lines between moments of a grid.

    start, step: seconds, the grid's first moment and its width.  over: by each of them, 0 to 1, rising.  Before the first
    one the span is never over; a chance below 1 at the last one is left open.
    """

    start: float
    step: float
    over: tuple[float, ...]

    @property
    def end(self) -> float:
        """The grid's last moment."""
        return self.start + (len(self.over) - 1) * self.step

    def by(self, seconds: float) -> float:
        """The chance that the span is not longer than that."""
        place = (seconds - self.start) / self.step
        if place < 0:
            return 0.0
        if place >= len(self.over) - 1:  # a step of next to nothing makes it infinite
            return self.over[-1]
        before = int(place)
        low = self.over[before]
        return low + (self.over[before + 1] - low) * (place - before)

    def until(self, share: float) -> float:
        """The first moment by which it is over with that chance; infinite where the grid has none."""
        index = bisect_left(self.over, share)
        if index == 0 or index == len(self.over):
            return self.start if index == 0 else math.inf
        low, high = self.over[index - 1], self.over[index]
        return self.start + (index - 1 + (share - low) / (high - low)) * self.step

    def later(self, seconds: float) -> Spread:
        return Spread(self.start + seconds, self.step, self.over)


def spread_of(span: Interval) -> Spread:
    """Any length of a bounded interval, one as likely as the other."""
    width = span.high - span.low
    return Spread(span.low, width, (0.0, 1.0)) if width > POINT else Spread(span.low, 1.0, (1.0,))


def spread_by_cells(start: float, step: float, cells: Sequence[float]) -> Spread:
    """Cells around `start`, `start + step` and so on, each with its own chance."""
    return Spread(start - step / 2, step, (0.0, *accumulate(cells)))


def plus(spread: Spread, span: Interval, step: float) -> Spread:
    """And then any length of an interval, whatever the first one was."""
    width = span.high - span.low
    if width <= POINT:
        return spread.later(span.low)
    area = _area(spread)
    step, moments = _grid(spread.start, spread.end + width, step)
    over = tuple((area(x) - area(x - width)) / width for x in moments)
    return Spread(spread.start + span.low, step, over)


def plus_spread(one: Spread, other: Spread, step: float) -> Spread:
    """And then another one that knows nothing of the first."""
    if len(other.over) == 1 or len(one.over) == 1:
        point, whole = (one, other) if len(one.over) == 1 else (other, one)
        return whole.later(point.start)
    long, short = sorted((_cut(one, step), _cut(other, step)), key=lambda cut: -len(cut.over))
    start = long.start + short.start + step / 2  # each of the short one's cells counts at its middle
    steps = [high - low for low, high in pairwise(short.over)]
    steps[0] += short.over[0]  # what is over at its first moment already
    found = [0.0] * (len(long.over) + len(steps) - 1)
    for index, weight in enumerate(steps):
        for place, chance in enumerate(long.over, index):
            found[place] += weight * chance
        for place in range(index + len(long.over), len(found)):
            found[place] += weight * long.over[-1]
    return Spread(start, step, tuple(found))


def last_of_spreads(spreads: Sequence[Spread], step: float) -> Spread:
    """Over when all of them are; none knows of another."""
    return _joined(_latest(spreads), step, math.prod)


def first_of_spreads(spreads: Sequence[Spread], step: float) -> Spread:
    """Over when the first of them is; none knows of another."""
    return _joined(spreads, step, lambda chances: 1 - math.prod(1 - chance for chance in chances))


def worst_of_spreads(spreads: Sequence[Spread], step: float) -> Spread:
    """One of them, and nobody knows which: by each moment the one that is least likely to be over."""
    return _joined(_latest(spreads), step, min)


def mixed(spreads: Sequence[Spread], step: float) -> Spread:
    """One of them, each with the chance at which it ends."""
    return _joined(spreads, step, math.fsum)


def _latest(spreads: Sequence[Spread]) -> list[Spread]:
    """Without those that are surely over before another one begins to be."""
    latest = max(spread.start for spread in spreads)
    return [spread for spread in spreads if spread.end > latest or spread.start == latest]


def _joined(spreads: Sequence[Spread], step: float, join: Callable[[list[float]], float]) -> Spread:
    if len(spreads) == 1:
        return spreads[0]
    start = min(s.start for s in spreads)
    step, moments = _grid(start, max(s.end for s in spreads), step)
    return Spread(start, step, tuple(join([spread.by(x) for spread in spreads]) for x in moments))


def _cut(spread: Spread, step: float) -> Spread:
    cells = math.ceil((spread.end - spread.start) / step)
    return Spread(spread.start, step, tuple(spread.by(spread.start + k * step) for k in range(cells + 1)))


def _grid(start: float, end: float, step: float) -> tuple[float, list[float]]:
    """(width of a cell, moments) of a grid from start to end with cells of at most that width."""
    if end - start <= POINT:
        return step, [end]
    cells = max(1, math.ceil((end - start) / step - 1e-9))
    width = (end - start) / cells
    return width, [*(start + k * width for k in range(cells)), end]


def _area(spread: Spread) -> Callable[[float], float]:
    """The integral of a spread's chances up to a moment."""
    start, step, over = spread.start, spread.step, spread.over
    sums = [0.0, *accumulate((low + high) / 2 * step for low, high in pairwise(over))]
    most = len(over) - 1

    def area(x: float) -> float:
        place = (x - start) / step
        if place <= 0:
            return 0.0
        if place >= most:
            return sums[-1] + over[-1] * (x - start - most * step)
        before = int(place)
        inside = place - before
        return sums[before] + (over[before] + (over[before + 1] - over[before]) * inside / 2) * inside * step

    return area
