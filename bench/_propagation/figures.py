"""From what was recorded to the figures. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from _common import Figure

from _propagation.plan import OURS, RELOAD, TEMPLATE

SHARE = 1 / 10  # of server-template's median
P99_MS, CONVERGED_MS, RESYNC_MS, REST_PERCENT, MEMORY_MIB = 100.0, 1000.0, 100.0, 1.0, 100.0
ENOUGH = 0.95  # of the changes a second that were asked for
LATE_S = 0.5  # a load that starts its requests so late was starved
Run = Mapping[str, Any]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def figures(runs: Sequence[Run]) -> list[Figure]:
    """Samples of all runs together; of everything else the median run. What was not measured is left out."""
    return [*_served(runs), *_beyond(runs), *_far(runs), *_churn(runs), *_agent(runs)]


def starved(runs: Sequence[Run]) -> list[str]:
    """Why the churn of a run says nothing: its changes or its requests were not made at the rate asked for."""
    reasons = []
    for number, run in enumerate(runs, 1):
        if (churn := run.get("churn")) is None:
            continue
        if churn["changes_per_s"] < ENOUGH * churn["asked_per_s"]:
            reasons.append(
                f"run {number}: {churn['changes_per_s']:.0f} of {churn['asked_per_s']} changes a second"
            )
        if churn["load"]["late_max_s"] > LATE_S:
            reasons.append(f"run {number}: requests started up to {churn['load']['late_max_s']:.2f} s late")
    return reasons


def _of(runs: Sequence[Run], kind: str, field: str = "served_ms") -> list[float]:
    return [sample[field] for run in runs for sample in run["samples"] if sample["kind"] == kind]


def _served(runs: Sequence[Run]) -> list[Figure]:
    values = {kind: found for kind in (OURS, TEMPLATE, RELOAD) if (found := _of(runs, kind))}
    if OURS not in values:
        return []
    return [
        _percentile("registered-to-served-p50-ms", values, 50, SHARE, TEMPLATE),
        _percentile("registered-to-served-p99-ms", values, 99, P99_MS),
    ]


def _percentile(
    name: str, values: Mapping[str, Sequence[float]], percent: float, target: float, against: str = ""
) -> Figure:
    found = {kind: round(percentile(each, percent), 2) for kind, each in values.items()}
    return Figure(
        name, "ms", found.pop(OURS), peers=found, target=target, against=against,
        worst={kind: round(max(each), 2) for kind, each in values.items()},
        runs={kind: len(each) for kind, each in values.items()},
    )  # fmt: skip


def _beyond(runs: Sequence[Run]) -> list[Figure]:
    return _pair("beyond-slots-to-served", _of(runs, "beyond"))


def _far(runs: Sequence[Run]) -> list[Figure]:
    """From the moment it was asked for, beside the round trip that asking from another site costs anyway."""
    samples = [sample for run in runs for sample in run["samples"] if sample["kind"] == "far"]
    found: list[Figure] = []
    for rtt in sorted({sample["rtt_ms"] for sample in samples}):
        values = [sample["asked_ms"] for sample in samples if sample["rtt_ms"] == rtt]
        found += _pair(f"across-{rtt:g}ms-asked-to-served", values, {"round-trip": rtt})
        found.append(
            Figure(f"across-{rtt:g}ms-less-round-trip-p50-ms", "ms", round(percentile(values, 50) - rtt, 2))
        )
    return found


def _pair(name: str, values: Sequence[float], peers: Mapping[str, float] | None = None) -> list[Figure]:
    return [
        Figure(
            f"{name}-p{percent}-ms", "ms", round(percentile(values, percent), 2), peers=peers or {},
            runs={OURS: len(values)},
        )
        for percent in (50, 99)
        if values
    ]  # fmt: skip


def _churn(runs: Sequence[Run]) -> list[Figure]:
    churns = [run["churn"] for run in runs if "churn" in run and not starved([run])]
    if not churns:
        return []
    rate = median(each["changes_per_s"] for each in churns)
    failed = float(sum(each["load"]["failed"] for each in churns))
    converged = [each["converged_ms"] for each in churns]
    return [
        Figure("churn-failed-requests", "requests", failed, target=0, runs={OURS: len(churns)}),
        Figure("churn-converged-ms", "ms", round(median(converged), 1), target=CONVERGED_MS),
        Figure("churn-changes-per-second", "1/s", round(rate, 1)),
        Figure("churn-requests", "requests", float(sum(each["load"]["sent"] for each in churns))),
    ]


def _agent(runs: Sequence[Run]) -> list[Figure]:
    rests = [run["rest"] for run in runs if "rest" in run]
    if not rests:
        return []
    return [
        _median("noop-reconcile-cpu-ms", "ms", (each["resync_cpu_ms"] for each in rests), RESYNC_MS),
        _median(
            "noop-reconcile-by-signal-cpu-ms", "ms", (ms for each in rests for ms in each["asked_cpu_ms"])
        ),
        _median("agent-rest-cpu-percent", "%", (each["cpu_percent"] for each in rests), REST_PERCENT),
        _median("agent-memory-mb", "MiB", (each["rss_mib"] for each in rests), MEMORY_MIB),
    ]


def _median(name: str, unit: str, values: Iterable[float], target: float | None = None) -> Figure:
    found = list(values)
    worst = {OURS: round(max(found), 2)}
    return Figure(name, unit, round(median(found), 2), target=target, worst=worst, runs={OURS: len(found)})
