"""What is kept of a trial, and the file in which a bench that was stopped finds its trials again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from _failover.plan import Trial
from trimtab.drills.result import RunResult
from trimtab.drills.workload import Rates


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at a trial.

    outage_s: seconds of the worst region, None if nothing was measured.  bound: it was not over when the watch
    ended, so the true one is longer.  load: the verdict on the load, with its reasons.  regions: each one's outage_s.
    load_average: of one minute, before and after.  holders: of the hit site's VIPs before the fault and when the
    watch ended, None where not exactly one proxy has them.  fingerprint: of the configuration that ran.
    superseded: another attempt followed.  rates: the load, requests on new and on kept connections and orders, a second
    and region.
    """

    scenario: str
    configuration: str
    number: int
    fingerprint: str
    outage_s: float | None
    bound: bool
    load: str
    reasons: tuple[str, ...]
    load_average: tuple[float, float]
    requests: int
    failed: int
    late_max_s: float | None
    regions: Mapping[str, float | None]
    hit: str
    holders: tuple[str | None, ...]
    seconds: float
    superseded: bool = False
    rates: tuple[float, ...] = astuple(Rates())

    @property
    def counts(self) -> bool:
        """Whether figures are made of it."""
        return not self.superseded and self.load == "true" and self.outage_s is not None

    @property
    def trial(self) -> Trial:
        return Trial(self.number, self.scenario, self.configuration)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measured(
    trial: Trial, fingerprint: str, rates: Rates, run: RunResult, hit: str, seconds: float
) -> Record:
    """A trial that was run. seconds: that it took, from the start of its twin to its end."""
    figures = run.figures
    load = next(check for check in figures["checks"] if check["check"] == "load")
    regions: dict[str, dict[str, Any]] = figures["regions"]
    before, after = figures["machine"]["load_average"]
    seen = [figures["evidence"].get(when, {}).get("vip", {}) for when in ("before", "during")]
    return Record(
        trial.scenario, trial.configuration, trial.number, fingerprint,
        outage_s=figures["outage_s"], bound=any(not region["recovered"] for region in regions.values()),
        load=load["verdict"], reasons=tuple(load["reasons"]), load_average=(before, after),
        requests=figures["requests"], failed=figures["failed"], late_max_s=load["figures"].get("late_max_s"),
        regions={name: region["outage_s"] for name, region in regions.items()}, hit=hit,
        holders=tuple(each.get("holder") for each in seen), seconds=round(seconds, 1), rates=astuple(rates),
    )  # fmt: skip


def broken(trial: Trial, fingerprint: str, rates: Rates, reason: str, load: float, seconds: float) -> Record:
    """A trial whose twin or drill gave up."""
    return Record(
        trial.scenario, trial.configuration, trial.number, fingerprint,
        outage_s=None, bound=False, load="unknown", reasons=(reason,), load_average=(round(load, 2), round(load, 2)),
        requests=0, failed=0, late_max_s=None, regions={}, hit="", holders=(), seconds=round(seconds, 1),
        rates=astuple(rates),
    )  # fmt: skip


def read(path: Path) -> list[Record]:
    """The records of a file that this bench wrote. Raises OSError, ValueError where it is none."""
    try:
        found = json.loads(path.read_text())
        if found["bench"] != "failover":
            raise ValueError(f"{path} is of the bench {found['bench']}")
        return [_record(each) for each in found["raw"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is no result of this bench: {error}") from error


def _record(found: dict[str, Any]) -> Record:
    before, after = found["load_average"]
    return Record(
        **{**found, "load_average": (before, after), **_tuples(found, "reasons", "holders", "rates")}
    )


def _tuples(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: tuple(found[name]) for name in names if name in found}


def done(records: Iterable[Record]) -> set[Trial]:
    """The trials that need no further attempt."""
    return {record.trial for record in records if not record.superseded}
