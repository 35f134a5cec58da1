"""What a drill found, as frozen values and as the JSON object that the command line promises."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trimtab.drills.history import PHASES, History
from trimtab.drills.measure import p99_ms, read_outage, write_outage
from trimtab.drills.report.predicted import within_prediction
from trimtab.drills.scenario import Scenario
from trimtab.drills.timeline import timeline
from trimtab.drills.verdict import OTHERS_LIMIT, Value, Verdict, combine

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run. figures: the JSON object of the run, with its `timeline`; folder: its raw records."""

    verdict: Value
    verdicts: tuple[Verdict, ...]
    figures: Mapping[str, Any]
    folder: Path

    @property
    def disturbed(self) -> bool:
        """Nothing is known, and others used the machine: to be played again."""
        others = self.figures["machine"].get("others")
        return self.verdict == "unknown" and others is not None and others > OTHERS_LIMIT


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """All runs of a scenario. says: what was hit, in words; wanted: how many runs were asked for. disturbed: runs beside
    those, of which nothing is known because others used the machine.
    """

    scenario: Scenario
    site: str
    says: str
    runs: tuple[RunResult, ...]
    wanted: int
    objectives: Mapping[str, float | None]
    predicted: Mapping[str, object]
    disturbed: tuple[RunResult, ...] = ()

    @property
    def verdict(self) -> Value:
        """The worst of the runs; a run that was asked for and did not take place leaves it unknown."""
        missing: list[Value] = ["unknown"] * (self.wanted - len(self.runs))
        return combine([run.verdict for run in self.runs] + missing)

    def worst(self, key: str) -> float | None:
        """The largest of a figure over the runs; None if no run has it."""
        found = [run.figures[key] for run in self.runs if run.figures[key] is not None]
        return max(found, default=None)

    def to_json(self) -> Json:
        """What `drill run --json` promises: everything but the timelines."""
        found = self.to_report()
        for run in found["runs"]:
            run.pop("timeline", None)
        return found

    def to_report(self) -> Json:
        """The same with each run's `timeline`, as a report keeps it."""
        claims = self.scenario.limits(self.objectives)
        return {
            "scenario": self.scenario.name, "shows": self.scenario.shows, "site": self.site, "fault":
            self.says,
            "verdict": self.verdict, "wanted_runs": self.wanted, "runs": [self._run(run) for run in self.runs],
            "summary": {
                "outage_s": _spread(self.runs, "outage_s"),
                "write_outage_s": _spread(self.runs, "write_outage_s"),
                "lost_orders": self.worst("lost_orders"),
            },
            "predicted": {"outage_s": None, **self.predicted}, "objective": dict(self.objectives),
            "claims": asdict(claims),
            "disturbed_runs": [
                {"machine": run.figures["machine"], "checks": run.figures["checks"]} for run in self.disturbed
            ],
        }  # fmt: skip

    def _run(self, run: RunResult) -> Json:
        return {**run.figures, "within_prediction": within_prediction(run.figures, self.predicted)}


def _spread(runs: Sequence[RunResult], key: str) -> Json:
    found = [run.figures[key] for run in runs if run.figures[key] is not None]
    return {"p50": round(statistics.median(found), 4) if found else None, "max": max(found, default=None)}


def run_result(
    history: History, verdicts: Sequence[Verdict], about: Json, folder: Path, refusing: Collection[str] = ()
) -> RunResult:
    """Figures and verdict of a run."""
    by_name = {verdict.checker: verdict for verdict in verdicts}
    orders = by_name["orders"].figures if "orders" in by_name else {}
    regions = {
        region: {**_region(history, region), **_longest(by_name, region), "refuses": region in refusing}
        for region in history.reads
    }
    served = {name: found for name, found in regions.items() if name not in refusing}
    value = combine(verdict.value for verdict in verdicts)
    figures: Json = {
        "verdict": value,
        "outage_s": _largest(regions, "outage_s"),
        "write_outage_s": _largest(served, "write_outage_s"),
        "last_failure_end_s": _largest(regions, "last_failure_end_s"),
        "rates": {"requests": history.expected.reads, "orders": history.expected.orders},  # a second and region
        "requests": sum(region["requests"] for region in regions.values()),
        "failed": sum(region["failed"] for region in regions.values()),
        "failed_after_retry": sum(region["failed_after_retry"] for region in regions.values()),
        "orders": sum(1 for _ in history.all_orders()),
        **{key: orders.get(key) for key in (
            "acknowledged_orders", "lost_orders", "duplicated_orders", "unknown_orders")},
        "p99_ms": _p99(history, history.reads),
        "fault_at_s": round(history.events.fault, 3),  # CLOCK_MONOTONIC, as in the raw records
        "phases": _phases(history),
        "regions": regions,
        "checks": [_check(verdict) for verdict in verdicts],
        "evidence": {name: dict(seen) for name, seen in history.evidence.items()},
        "machine": about,
        "records": str(folder),
        "timeline": timeline(history),
    }  # fmt: skip
    return RunResult(value, tuple(verdicts), figures, folder)


def _region(history: History, name: str) -> Json:
    since, until = history.events.phase("during")
    rows = history.reads_in(name, history.events.begin, history.events.end)
    reads = read_outage(history.reads[name], since, until, leaving=history.events.restore is None)
    orders = history.orders.get(name, ())
    writes = write_outage(orders, history.events.fault, since, until) if orders else None
    return {
        "outage_s": round(reads.outage_s, 4) if rows else None,
        "recovered": reads.recovered,
        "last_failure_end_s": round(reads.last_failure_end_s, 4),
        "later_episodes_s": list(reads.later),
        "requests": len(rows),
        "failed": sum(not row.ok for row in rows),
        "failed_after_retry": sum(not row.ok_after_retry for row in rows),
        "write_outage_s": round(writes.write_outage_s, 4) if writes else None,
        "write_noise_s": round(writes.noise_s, 4) if writes else None,
        "orders": len(orders),
        "failed_orders": sum(order.outcome == "failed" for order in orders),
        "unknown_orders": sum(order.outcome == "unknown" for order in orders),
        "p99_ms": _p99(history, [name]),
        "sites": _sites(history, name),
    }


def _longest(verdicts: Mapping[str, Verdict], name: str) -> Json:
    """Where addresses move several times, an outage is one stretch and not the time since the first move."""
    if "pauses" not in verdicts:
        return {}
    found = verdicts["pauses"].figures.get("regions", {}).get(name, {})
    return {"outage_s": found.get("longest_s")}


def _sites(history: History, region: str) -> Json:
    """How many reads each site answered in each phase."""
    found: dict[str, dict[str, int]] = {}
    for phase in PHASES:
        for row in history.reads_of(region, phase):
            if row.ok_after_retry:
                sites = found.setdefault(phase, {})
                sites[row.site or "?"] = sites.get(row.site or "?", 0) + 1
    return found


def _p99(history: History, regions: Sequence[str] | Mapping[str, Any]) -> Json:
    return {
        phase: p99_ms([row for name in regions for row in history.reads_of(name, phase)]) for phase in PHASES
    }


def _phases(history: History) -> list[Json]:
    """Each phase in seconds from the fault."""
    events = history.events
    spans = [(phase, *events.phase(phase)) for phase in PHASES]
    return [
        {"phase": phase, "from_s": round(since - events.fault, 3), "to_s": round(until - events.fault, 3)}
        for phase, since, until in spans
    ]


def _check(verdict: Verdict) -> Json:
    return {
        "check": verdict.checker, "verdict": verdict.value, "reasons": list(verdict.reasons),
        "figures": dict(verdict.figures),
    }  # fmt: skip


def _largest(regions: Mapping[str, Json], key: str) -> float | None:
    return max((region[key] for region in regions.values() if region[key] is not None), default=None)
