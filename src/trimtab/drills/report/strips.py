"""The three strips of a panel: reads, orders and latency, one above the other on the same seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.drills.report.chart import Decades, Frame, area, band, line

Json = Mapping[str, Any]
Shade = tuple[float, float] | None

HEAD, GAP = 19, 10  # a strip's own words; the space under it
READS_PX, ORDERS_PX, LATENCY_PX = 48.0, 30.0, 45.0
BURST = 2  # orders that were held up arrive at once; bars are cut at this multiple of an ordinary busy bin


@dataclass(frozen=True, slots=True)
class Strip:
    """label, scale: words above it, left and right.  paths: (kind, d) of a drawing `height` high at `top`.

    base: where its zero line is, None without one.  shade: the predicted interval, (percent, width).
    lines: (y, label) of a grid.  top, base and lines in pixels from the panel's top.
    """

    label: str
    scale: str
    top: float
    height: float
    base: float | None
    paths: tuple[tuple[str, str], ...]
    shade: Shade = None
    lines: tuple[tuple[float, str], ...] = ()

    @property
    def bottom(self) -> float:
        return self.top + self.height + GAP


@dataclass(frozen=True, slots=True)
class Scales:
    """What all panels of a run share, so that they can be compared. Numbers a bin; waits: None without answers."""

    step_ms: float
    sent: float
    orders: float
    bad_orders: float
    has_orders: bool
    waits: tuple[float, ...] | None

    @classmethod
    def of(cls, timeline: Json) -> Scales:
        columns = list(timeline["regions"].values())
        waits = [
            value
            for one in columns
            for key in ("p50_ms", "p99_ms")
            for value in one[key]
            if value is not None
        ]
        placed = [v for one in columns for key in ("acknowledged", "refused", "unknown") for v in one[key]]
        return cls(
            step_ms=timeline["step_s"] * 1000, sent=_most(columns, "sent") or 1,
            orders=BURST * (_usual(columns) or 1),
            bad_orders=_most(columns, "refused", "unknown"), has_orders=any(placed),
            waits=(min(waits), max(waits)) if waits else None,
        )  # fmt: skip


def _most(columns: Sequence[Json], *keys: str) -> float:
    return max((value for one in columns for key in keys for value in one[key]), default=0)


def _usual(columns: Sequence[Json]) -> float:
    """A busy but ordinary number of acknowledged orders a bin: the 9th decile of the bins that have any."""
    found = sorted(value for one in columns for value in one["acknowledged"] if value)
    return found[int(0.9 * (len(found) - 1))] if found else 0


def reads_strip(frame: Frame, columns: Json, scales: Scales, top: float, shade: Shade) -> Strip:
    """Answered ones stand on the line, failed ones hang from it."""
    unit = READS_PX / scales.sent
    below = max(5.0, max(columns["failed"], default=0) * unit)
    answered = [sent - failed for sent, failed in zip(columns["sent"], columns["failed"], strict=True)]
    return Strip(
        f"reads sent each {scales.step_ms:g} ms", f"up to {scales.sent:g}", top + HEAD, READS_PX + below,
        top + HEAD + READS_PX,
        (
            ("answered", area(frame, answered, READS_PX, unit)),
            ("failed", area(frame, columns["failed"], READS_PX, -unit)),
            ("lost", area(frame, columns["failed_after_retry"], READS_PX, -unit)),
        ),
        shade,
    )  # fmt: skip


def orders_strip(frame: Frame, columns: Json, scales: Scales, top: float, shade: Shade) -> Strip:
    """Acknowledged orders stand on the line, refused ones and ones without an answer hang from it."""
    unit = ORDERS_PX / scales.orders
    below = max(4.0, min(ORDERS_PX, scales.bad_orders * unit))
    highest = max((value for _, _, value in frame.spans(columns["acknowledged"]) if value), default=0)
    cut = f", {highest:g} cut off" if highest > scales.orders else ""
    bad = [r + u for r, u in zip(columns["refused"], columns["unknown"], strict=True)]
    return Strip(
        "orders acknowledged", f"up to {scales.orders:g}{cut}", top + HEAD,
        ORDERS_PX + below, top + HEAD + ORDERS_PX,
        (
            ("order", area(frame, columns["acknowledged"], ORDERS_PX, unit, scales.orders)),
            ("unanswered", area(frame, bad, ORDERS_PX, -unit, ORDERS_PX / unit)),
            ("failed", area(frame, columns["refused"], ORDERS_PX, -unit, ORDERS_PX / unit)),
        ),
        shade,
    )  # fmt: skip


def latency_strip(frame: Frame, columns: Json, waits: Sequence[float], top: float) -> Strip:
    """What the answered reads waited: the median as a line, the space up to the 99th percentile."""
    decades = Decades.of(waits, 0.0, LATENCY_PX)
    return Strip(
        "latency, median to p99, ms", "", top + HEAD, LATENCY_PX, None,
        (
            ("spread", band(frame, columns["p50_ms"], columns["p99_ms"], decades.y)),
            ("median", line(frame, columns["p50_ms"], decades.y)),
        ),
        lines=tuple((top + HEAD + y, label) for y, label in decades.grid()),
    )  # fmt: skip
