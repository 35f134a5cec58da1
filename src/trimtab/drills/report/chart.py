"""A run's timeline as geometry: paths and positions, no markup and no colours.

Every plot is 1000 units wide and is stretched to the page; heights are pixels, y grows downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WIDTH = 1000.0
SECOND_STEPS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
MOST_TICKS = 7

Column = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """The time that a panel shows, in seconds from the fault, and the bins that it is made of."""

    since: float
    until: float
    first: float
    step: float

    def x(self, at: float) -> float:
        return (min(max(at, self.since), self.until) - self.since) / (self.until - self.since) * WIDTH

    def percent(self, at: float) -> float:
        return round(self.x(at) / WIDTH * 100, 3)

    def spans(self, column: Column) -> Iterator[tuple[float, float, float | None]]:
        """(left, right, value) of the bins which the frame shows."""
        for number, value in enumerate(column):
            left = self.first + number * self.step
            if left + self.step > self.since + 1e-6 and left < self.until - 1e-6:
                yield self.x(left), self.x(left + self.step), value

    def ticks(self) -> list[tuple[float, str]]:
        """(percent, label) of round seconds."""
        length = self.until - self.since
        step = next((one for one in SECOND_STEPS if length / one <= MOST_TICKS), length)
        first, last = math.ceil(self.since / step - 1e-6), math.floor(self.until / step + 1e-6)
        return [(self.percent(n * step), _tick(n * step)) for n in range(first, last + 1)]


def _tick(at: float) -> str:
    sign = "−" if at < -1e-9 else "+" if at > 1e-9 else ""
    return f"{sign}{abs(round(at, 3)):g}" + ("" if sign else " s")


def area(frame: Frame, column: Column, base: float, scale: float, most: float = math.inf) -> str:
    """Steps that stand on `base`; a negative scale lets them hang. most: where they are cut off."""
    parts: list[str] = []
    right_before, open_ = -1.0, False
    for left, right, value in frame.spans(column):
        height = min(value or 0.0, most) * scale
        if height and (not open_ or left > right_before + 0.01):
            parts.append(f"M{left:.1f} {base:.1f}")
            open_ = True
        elif not height and open_:
            parts.append(f"V{base:.1f}Z")
            open_ = False
        if height:
            parts.append(f"V{base - height:.1f}H{right:.1f}")
        right_before = right
    return "".join(parts) + (f"V{base:.1f}Z" if open_ else "")


def line(frame: Frame, column: Column, y: Callable[[float], float]) -> str:
    """A stepped line, interrupted where there is no value."""
    parts: list[str] = []
    drawing = False
    for left, right, value in frame.spans(column):
        if value is not None:
            parts.append(f"{'V' if drawing else f'M{left:.1f} '}{y(value):.1f}H{right:.1f}")
        drawing = value is not None
    return "".join(parts)


def band(frame: Frame, low: Column, high: Column, y: Callable[[float], float]) -> str:
    """The space between two columns, bin by bin."""
    return "".join(
        f"M{left:.1f} {y(top):.1f}H{right:.1f}V{y(bottom):.1f}H{left:.1f}Z"
        for (left, right, bottom), (_, _, top) in zip(frame.spans(low), frame.spans(high), strict=True)
        if bottom is not None and top is not None
    )


@dataclass(frozen=True, slots=True)
class Decades:
    """A logarithmic scale from 10**low to 10**high over some pixels, the largest on top."""

    low: int
    high: int
    top: float
    height: float

    @classmethod
    def of(cls, values: Column, top: float, height: float) -> Decades:
        known = [max(value, 0.1) for value in values if value is not None] or [1.0]
        low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)) + 1e-9)
        return cls(low, max(high, low + 1), top, height)

    def y(self, value: float) -> float:
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return self.top + (1 - share) * self.height

    def grid(self) -> list[tuple[float, str]]:
        """(y, label) of each power of ten."""
        return [(self.y(10.0**n), f"{10.0**n:,g}") for n in range(self.low, self.high + 1)]
