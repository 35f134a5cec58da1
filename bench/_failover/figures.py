"""From the records to the figures: medians, worst values, and which of them are only known from below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from _common import Figure

from _failover.plan import OURS, WATCHES
from _failover.record import Record

AGAINST = "hand-tuned"


def figures(records: Sequence[Record]) -> list[Figure]:
    """One a scenario that was measured with ours; of runs whose load ran, and no others."""
    found = []
    for scenario, watch in WATCHES.items():
        by_name = _by_configuration(
            record for record in records if record.counts and record.scenario == scenario
        )
        if OURS not in by_name:
            continue
        values = {name: _median(runs, watch.at_most) for name, runs in by_name.items()}
        found.append(Figure(
            f"outage of reads, {scenario}", "s", values[OURS][0],
            peers={name: value for name, (value, _) in values.items() if name != OURS},
            target=watch.target, against=AGAINST,
            worst={name: _worst(runs, watch.at_most) for name, runs in by_name.items()},
            at_least=tuple(name for name, (_, bound) in values.items() if bound),
            worst_at_least=tuple(name for name, runs in by_name.items() if any(run.bound for run in runs)),
            runs={name: len(runs) for name, runs in by_name.items()},
        ))  # fmt: skip
    return found


def counts(records: Sequence[Record]) -> dict[str, int]:
    """attempts; repeated: those that were followed by another; left_out: trials that no figure has."""
    return {
        "attempts": len(records),
        "repeated": sum(record.superseded for record in records),
        "left_out": sum(not record.superseded and not record.counts for record in records),
    }


def raw(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [record.as_json() for record in records]


def _by_configuration(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.configuration, []).append(record)
    return found


def _seconds(record: Record, at_most: float) -> float:
    """The outage; of one that was not over, no more than the watch's length."""
    assert record.outage_s is not None
    return min(record.outage_s, at_most) if record.bound else record.outage_s


def _median(runs: Sequence[Record], at_most: float) -> tuple[float, bool]:
    """(median, whether it is only known from below): so it is when one of the runs in the middle is."""
    ordered = sorted(runs, key=lambda run: (_seconds(run, at_most), run.bound))
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return round(median(_seconds(run, at_most) for run in middle), 4), any(run.bound for run in middle)


def _worst(runs: Sequence[Record], at_most: float) -> float:
    return max(_seconds(run, at_most) for run in runs)
