"""A run as a timeline: what each region's clients saw, tenth of a second by tenth of a second.

Reads count in the bin in which they were sent, because a failure becomes known only after the client's own
time-out. Orders count in the bin in which they were answered; one that never was, in the bin of its sending.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.drills.history import PHASES, History, Order
from trimtab.drills.load.record import Row
from trimtab.drills.measure import percentile

STEP_S = 0.1
EDGE = 1e-6  # a time on an edge belongs to the later bin, whatever its last binary digit says

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """Bins of STEP_S seconds; one of them begins with the fault. first: number of the first, 0 at the fault."""

    fault: float
    first: int
    bins: int

    @classmethod
    def of(cls, history: History) -> Grid:
        """The bins that [begin, end) touches; at least one."""
        events = history.events
        first = math.floor((events.begin - events.fault) / STEP_S + EDGE)
        last = math.ceil((events.end - events.fault) / STEP_S - EDGE)
        return cls(events.fault, first, max(1, last - first))

    def place(self, moment: float) -> int | None:
        """The number of a moment's bin in this grid, from 0; None outside."""
        number = math.floor((moment - self.fault) / STEP_S + EDGE) - self.first
        return number if 0 <= number < self.bins else None

    def count(self, moments: Iterable[float]) -> list[int]:
        """How many of the moments are in each bin."""
        found = [0] * self.bins
        for moment in moments:
            number = self.place(moment)
            if number is not None:
                found[number] += 1
        return found


def timeline(history: History) -> Json:
    """A JSON-able timeline of a run; times in seconds from the fault.

    step_s, from_s: the width of a bin and where the first begins.  regions: by name columns of one value a
    bin: `sent`, `failed` (first attempt), `failed_after_retry`, `p50_ms`, `p99_ms`, `max_ms` (what those
    waited that got an answer; null where none did), `acknowledged`, `refused` and `unknown` orders.
    events: `{at_s, kind, says}`, kind `fault`, `restore`, `ready` or `mark`.  latency_ms: by region, and
    under "" of all together, by phase `{p50, p99, max}`.
    """
    grid = Grid.of(history)
    return {
        "step_s": STEP_S,
        "from_s": round(grid.first * STEP_S, 3),
        "regions": {name: _columns(history, grid, name) for name in history.reads},
        "events": _events(history),
        "latency_ms": {
            "": _latencies(history, list(history.reads)),
            **{name: _latencies(history, [name]) for name in history.reads},
        },
    }


def _columns(history: History, grid: Grid, region: str) -> Json:
    rows = history.reads_in(region, history.events.begin, history.events.end)
    return {
        "sent": grid.count(row.start for row in rows),
        "failed": grid.count(row.start for row in rows if not row.ok),
        "failed_after_retry": grid.count(row.start for row in rows if not row.ok_after_retry),
        **_waits(rows, grid),
        **_orders(history.orders.get(region, ()), grid),
    }


def _waits(rows: Sequence[Row], grid: Grid) -> Mapping[str, list[float | None]]:
    """Percentiles of what was waited for an answer, by the bin of sending."""
    by_bin: list[list[float]] = [[] for _ in range(grid.bins)]
    for row in rows:
        number = grid.place(row.start)
        if row.ok_after_retry and number is not None:
            by_bin[number].append(row.total)
    summaries = [summary(values) for values in by_bin]
    return {f"{key}_ms": [one[key] for one in summaries] for key in ("p50", "p99", "max")}


def _orders(orders: Sequence[Order], grid: Grid) -> Mapping[str, list[int]]:
    def answered(outcome: str) -> Iterable[float]:
        return (one.answered for one in orders if one.outcome == outcome and one.answered is not None)

    return {
        "acknowledged": grid.count(answered("ok")),
        "refused": grid.count(answered("failed")),
        "unknown": grid.count(one.sent for one in orders if one.outcome == "unknown"),
    }


def _latencies(history: History, regions: Sequence[str]) -> Json:
    return {
        phase: summary(
            [row.total for name in regions for row in history.reads_of(name, phase) if row.ok_after_retry]
        )
        for phase in PHASES
    }


def summary(seconds: Sequence[float]) -> dict[str, float | None]:
    """`p50`, `p99`, `max` in milliseconds; all None of nothing."""
    found = {
        "p50": percentile(seconds, 0.5),
        "p99": percentile(seconds, 0.99),
        "max": max(seconds, default=None),
    }
    return {key: None if value is None else round(value * 1000, 1) for key, value in found.items()}


def _events(history: History) -> list[Json]:
    events = history.events
    known = [("fault", events.fault, ""), ("restore", events.restore, ""), ("ready", events.ready, "")]
    found = [*known, *(("mark", mark.at, mark.says) for mark in history.marks)]
    told = [
        {"at_s": round(at - events.fault, 3), "kind": kind, "says": says}
        for kind, at, says in found
        if at is not None
    ]
    return sorted(told, key=lambda one: one["at_s"])
