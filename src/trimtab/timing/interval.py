"""Seconds from the best case to the worst, and how two such spans combine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# As the `low` or `high` of an interval: nothing in the estate ends it, somebody has to repair something.
UNTIL_REPAIR = math.inf


@dataclass(frozen=True, slots=True)
class Interval:
    """From the best case to the worst, in seconds.

    `high` may be UNTIL_REPAIR, `low` then too.  A `low` below 0 is a part of a sum that shortens it.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval runs upwards, got {self.low} to {self.high}")

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return text(self)

    @property
    def bounded(self) -> bool:
        return self.high < UNTIL_REPAIR

    def not_negative(self) -> Interval:
        """The same, cut off at 0: no outage is shorter than none."""
        return Interval(max(0.0, self.low), max(0.0, self.high))


NOTHING = Interval(0.0, 0.0)
FOR_EVER = Interval(UNTIL_REPAIR, UNTIL_REPAIR)


def total(spans: Iterable[Interval]) -> Interval:
    """One after the other; of none at all, nothing."""
    return sum(spans, NOTHING)


def last(spans: Iterable[Interval]) -> Interval:
    """All at the same time, and over when the last is."""
    found = list(spans)
    return Interval(max(s.low for s in found), max(s.high for s in found))


def first(spans: Iterable[Interval]) -> Interval:
    """All at the same time, and over when the first is."""
    found = list(spans)
    return Interval(min(s.low for s in found), min(s.high for s in found))


def either(spans: Iterable[Interval]) -> Interval:
    """One of them, and nobody knows beforehand which."""
    found = list(spans)
    return Interval(min(s.low for s in found), max(s.high for s in found))


def text(span: Interval) -> str:
    """`0.20–0.30 s`, `0 s`, `0.20 s – until repair`, `until repair`."""
    if span.low == UNTIL_REPAIR:
        return "until repair"
    if not span.bounded:
        return f"{_figure(span.low)} s – until repair"
    if span.low == span.high:
        return f"{_figure(span.high)} s"
    return f"{_figure(span.low)}–{_figure(span.high)} s"


def _figure(seconds: float) -> str:
    """Two decimals below ten seconds, one below a hundred, none above; plain 0 for exactly nothing."""
    if seconds == 0:
        return "0"
    digits = 2 if abs(seconds) < 10 else 1 if abs(seconds) < 100 else 0
    return f"{seconds:.{digits}f}".replace("-", "−")
