"""An interval of seconds, and the terms that a prediction is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """From the best case to the worst, in seconds."""

    low: float
    high: float

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return f"{self.low:.2f}–{self.high:.2f} s"


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a prediction. source: the RFC, manual section or measurement that it comes from."""

    what: str
    time: Interval
    source: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """An outage as the sum of its terms, one after the other."""

    terms: tuple[Term, ...]

    @property
    def total(self) -> Interval:
        return total(self.terms)


def total(terms: Sequence[Term]) -> Interval:
    """The sum of the terms; no term is no outage."""
    found = Interval(0.0, 0.0)
    for term in terms:
        found += term.time
    return found
