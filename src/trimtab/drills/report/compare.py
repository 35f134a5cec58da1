"""What changed between two reports of the same drill. Pure: JSON in, findings out.

A difference between two figures means little if runs of the same set differ by as much: so each is held
against the spread of the runs, the larger of the two sets' ranges (largest less smallest).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trimtab.drills.report import words
from trimtab.drills.report.story import ORDER

Json = Mapping[str, Any]
LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Change:
    """One figure. a, b: of the two reports, numbers (the median of the runs), text or None.

    difference: b less a, None where one is no number.  spread: of the runs, None if neither set has two.
    beyond: whether the difference is more than that; None where it cannot be told.
    """

    what: str
    a: Any
    b: Any
    unit: str = ""
    difference: float | None = None
    spread: float | None = None
    beyond: bool | None = None

    @property
    def same(self) -> bool:
        return bool(self.a == self.b)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A scenario in both reports. runs: how many each has.  worse: whether its verdict got worse."""

    scenario: str
    runs: tuple[int, int]
    worse: bool
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario, "runs": list(self.runs), "worse": self.worse,
            "changes": [{**asdict(change), "same": change.same} for change in self.changes],
        }  # fmt: skip


def compare(a: Json, b: Json) -> Comparison:
    """Compare two reports of one scenario."""
    changes = (
        Change("verdict", a["verdict"], b["verdict"], beyond=a["verdict"] != b["verdict"]),
        *_figures(a["runs"], b["runs"]),
        _lost(_total(a["runs"]), _total(b["runs"])),
        Change("predicted reads", _predicted(a, "outage_s"), _predicted(b, "outage_s")),
        Change("predicted writes", _predicted(a, "write_outage_s"), _predicted(b, "write_outage_s")),
        Change("configuration", a.get("configuration"), b.get("configuration")),
        figure("machine load", "", _loads(a["runs"]), _loads(b["runs"])),
    )
    worse = ORDER[b["verdict"]] < ORDER[a["verdict"]]
    return Comparison(a["scenario"], (len(a["runs"]), len(b["runs"])), worse, changes)


def _figures(a: Sequence[Json], b: Sequence[Json]) -> Iterator[Change]:
    for what, unit, key in (
        ("reads out", "s", "outage_s"), ("writes out", "s", "write_outage_s"), ("requests failed", "", "failed"),
        ("failed after retry", "", "failed_after_retry"),
    ):  # fmt: skip
        yield figure(what, unit, [run.get(key) for run in a], [run.get(key) for run in b])
    for phase in ("before", "during", "after"):
        yield figure(f"p99 {phase}", "ms", _p99(a, phase), _p99(b, phase))


def figure(what: str, unit: str, a: Sequence[float | None], b: Sequence[float | None]) -> Change:
    """Compare a figure of two sets of runs by their medians; a run without it is left out."""
    first, second = ([value for value in each if value is not None] for each in (a, b))
    if not first or not second:
        return Change(what, _median(first), _median(second), unit)
    left, right = statistics.median(first), statistics.median(second)
    difference, spread = right - left, _spread(first, second)
    beyond = None if spread is None else abs(difference) > spread + LEAST
    kept = None if spread is None else round(spread, 4)
    return Change(what, round(left, 4), round(right, 4), unit, round(difference, 4), kept, beyond)


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 4) if values else None


def _spread(*sets: Sequence[float]) -> float | None:
    return max((max(one) - min(one) for one in sets if len(one) > 1), default=None)


def _p99(runs: Sequence[Json], phase: str) -> list[float | None]:
    return [(run.get("p99_ms") or {}).get(phase) for run in runs]


def _loads(runs: Sequence[Json]) -> list[float | None]:
    return [max(run["machine"]["load_average"]) for run in runs if run.get("machine", {}).get("load_average")]


def _lost(a: int | None, b: int | None) -> Change:
    """One lost order more or less is a difference, however the runs are spread."""
    known = a is not None and b is not None
    difference = b - a if a is not None and b is not None else None
    return Change("lost orders", a, b, "", difference, None, bool(difference) if known else None)


def _total(runs: Sequence[Json]) -> int | None:
    found = [run.get("lost_orders") for run in runs]
    return None if None in found or not found else sum(value for value in found if value is not None)


def _predicted(report: Json, key: str) -> str:
    return words.predicted(report["predicted"].get(key))


def in_words(change: Change) -> str:
    """`+0.03 s, within the spread of the runs (0.05 s)`; `same`, `different`."""
    if change.difference is None:
        if change.a is None or change.b is None:
            return "" if change.same else "known of one only"
        return "same" if change.same else "different"
    if change.difference == 0:
        return "same"
    told = f"{'−' if change.difference < 0 else '+'}{value(abs(change.difference), change.unit)}"
    if change.spread is None:
        return told if change.beyond else f"{told}; one run each, so the spread is not known"
    spread = value(change.spread, change.unit)
    return f"{told}, {'more than' if change.beyond else 'within'} the spread of the runs ({spread})"


def value(found: Any, unit: str) -> str:
    """A figure with its unit; a hyphen for what is not known."""
    if found is None or found == "":
        return "-"
    if isinstance(found, str):
        return found
    places = (
        2 if unit == "s" or (not unit and found != int(found)) else 1 if unit == "ms" and found < 10 else 0
    )
    return f"{found:,.{places}f} {unit}".strip()
