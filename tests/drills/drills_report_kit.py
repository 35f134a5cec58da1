"""Reports from made-up histories, judged by the real checkers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drills_kit import history, reads

from trimtab.drills.checkers import checkers_for
from trimtab.drills.history import History
from trimtab.drills.report.document import About, document
from trimtab.drills.result import RunResult, ScenarioResult, run_result
from trimtab.drills.scenario_file import find

PROMISED: Mapping[str, float | None] = {"rto_s": 1.0, "write_rto_s": 5.0, "write_rpo": 0}
PREDICTED: Mapping[str, object] = {"outage_s": [0.2, 0.4], "write_outage_s": [0.2, 4.0]}
MACHINE = {"load_average": [0.25, 1.75], "cpus": 4, "kernel": "6.1.0", "trimtab": "0.1.0"}
TERMS = (
    {
        "world": "twin", "of": "reads", "figure": "outage_s", "depth": 0, "low": 0.2, "high": 0.3,
        "layer": "bfd", "what": "BFD misses its packets", "source": "RFC 5880, 6.8.4",
    },
    {
        "world": "internet", "of": "reads", "figure": "outage_s", "depth": 0, "low": 0.2, "high": None,
        "layer": "bgp", "what": "others rewrite their tables", "source": "RFC 4271",
    },
)  # fmt: skip


def out_for(seconds: float, **other: Any) -> History:
    """asia cannot read for so long after the fault."""
    return history(reads={"asia": reads(lambda at: 0 <= at < seconds), "america": reads()}, **other)


def one_run(found: History) -> RunResult:
    limits = find("site-power-cut").limits(PROMISED)
    verdicts = [checker.check(found, limits) for checker in checkers_for(limits)]
    return run_result(found, verdicts, dict(MACHINE), Path("/records"))


def result(histories: Sequence[History], wanted: int | None = None, **other: Any) -> ScenarioResult:
    runs = tuple(one_run(one) for one in histories)
    usual: dict[str, Any] = {
        "scenario": find("site-power-cut"), "site": "hk", "says": "hk loses power (8 hosts)", "runs": runs,
        "wanted": len(runs) if wanted is None else wanted, "objectives": PROMISED, "predicted": PREDICTED,
    }  # fmt: skip
    return ScenarioResult(**{**usual, **other})


def report(*histories: History, **other: Any) -> dict[str, Any]:
    """A report's JSON; about may say more: estate, configuration, source_s."""
    told: dict[str, Any] = {
        "estate": "shop",
        "made_at": "2025-11-22T04:23:28+01:00",
        "command": "trimtab drill run x",
    }
    told |= {key: other.pop(key) for key in ("estate", "configuration", "source_s") if key in other}
    about = About(**told, terms=TERMS)
    return document(result(histories or [out_for(0.35)], **other).to_report(), about)
