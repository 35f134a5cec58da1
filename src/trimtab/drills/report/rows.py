"""The table that a drill is about: promised, predicted, measured, and whether it held."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.drills.report import words
from trimtab.drills.report.predicted import beside, within
from trimtab.drills.report.story import checked, claim, largest, total

Json = Mapping[str, Any]
Mark = Literal["held", "missed", "unknown", ""]
CONDUCT = {
    "vip": "The site's addresses", "route": "The site's routes", "leak": "What upstreams hear", "leader": "The store's leader",
    "workers": "The proxies' processes", "releases": "The versions that serve",
    "agents": "Agents of two releases",
    "replica": "The store's replica", "membership": "Members without a disk", "minority": "Orders in the minority", "returns": "The return",
    "served": "Who answers",
    "site": "The site, as the quorum sees it", "drain": "The drain",
}  # fmt: skip
FAILED = "Requests failed"
LATER = "Later requests failed"
RETRIED = "Failed after a retry"
SEEN = {"vip": ("vip", "holder"), "leader": ("store", "leader")}
MARKS: Mapping[str | None, Mark] = {"true": "held", "false": "missed", "unknown": "unknown", None: ""}


@dataclass(frozen=True, slots=True)
class Row:
    """One promise, all cells as text. mark: "" where nothing was promised.  aside: where the measured
    figure lies outside its prediction, by how much.
    """

    what: str
    promised: str
    predicted: str
    measured: str
    median: str
    mark: Mark
    aside: str = ""


def rows(report: Json) -> list[Row]:
    """A line for each region's reads, for writes, for orders, for the way back, and for the estate's own conduct."""
    names = list(report["runs"][0]["regions"]) if report["runs"] else []
    reads = [_reads(report, name) for name in names]
    found = [
        *reads,
        _failed(report, "failed", FAILED),
        _failed(report, "failed_later", LATER),
        _failed(report, "failed_retried", RETRIED),
        _writes(report),
        _orders(report),
        _return(report),
        *_conduct(report),
    ]
    return [row for row in found if row]


def _reads(report: Json, region: str) -> Row:
    runs = [run["regions"].get(region, {}) for run in report["runs"]]
    forecast = (report["predicted"].get("regions") or {}).get(region, report["predicted"].get("outage_s"))
    limit = claim(report, "reads_s", "rto_s") if (own := claim(report, "pauses_s", "")) is None else own
    worst = largest(runs, "outage_s")
    lasting = "" if all(one.get("recovered", True) for one in runs) else ", not recovered"
    return Row(
        f"Reads, {region}", words.limit(limit), words.predicted(forecast), words.seconds(worst) + lasting,
        median(runs, "outage_s"), _kept(runs, limit), outside([one.get("outage_s") for one in runs], forecast),
    )  # fmt: skip


def _kept(runs: Sequence[Json], limit: float | None) -> Mark:
    """Whether in every run a region's reads came back in time and stayed."""
    if limit is None:
        return ""
    if any(one.get("outage_s") is None for one in runs):
        return "unknown"
    late = [one for one in runs if max([one["outage_s"], *one.get("later_episodes_s", [])]) > limit]
    return "missed" if late or not all(one.get("recovered", True) for one in runs) else "held"


def _failed(report: Json, name: str, what: str) -> Row | None:
    """Where a scenario claims that nobody notices at all, or no later request."""
    value, limit = checked(report["runs"], name), claim(report, name, "")
    if value is None or limit is None:
        return None
    found = _figures(report, name)
    return Row(what, f"≤ {limit:g}", "", words.count(largest(found, "failed")), "", MARKS[value])


def _writes(report: Json) -> Row:
    """Those regions whose writes are judged: a minority has to refuse."""
    predicted, key = report["predicted"], "write_outage_s"
    forecast = predicted.get("write_majority_s") if "minority" in conduct(report) else None
    forecast = predicted.get(key) if forecast is None else forecast
    judged = _figures(report, "writes")
    found = judged if any(one.get(key) is not None for one in judged) else report["runs"]
    return Row(
        "Writes", words.limit(claim(report, "writes_s", "write_rto_s")), words.predicted(forecast),
        words.seconds(largest(found, key)), median(found, key), MARKS[checked(report["runs"], "writes")],
        outside([one.get(key) for one in found], forecast),
    )  # fmt: skip


def _figures(report: Json, name: str) -> list[Json]:
    """A checker's figures in each run."""
    return [check["figures"] for run in report["runs"] for check in run["checks"] if check["check"] == name]


def _orders(report: Json) -> Row:
    runs = report["runs"]
    promised = claim(report, "lost", "write_rpo")
    lost, of = total(runs, "lost_orders"), total(runs, "acknowledged_orders")
    measured = words.UNKNOWN if lost is None else f"{lost:,} of {words.count(of)} acknowledged"
    limit = "" if promised is None else f"{promised:g}"
    return Row("Orders lost", limit, "", measured, "", MARKS[checked(runs, "orders")])


def _return(report: Json) -> Row | None:
    """The second outage that a recovery may cost; its limit is the scenario's own."""
    value = checked(report["runs"], "recovery")
    if value is None:
        return None
    figures, key = _figures(report, "recovery"), "recovery_outage_s"
    limit = words.limit(claim(report, "recovery_s", ""))
    worst = words.seconds(largest(figures, key))
    return Row("Reads, on the way back", limit, "", worst, median(figures, key), MARKS[value])


def conduct(report: Json) -> Mapping[str, str]:
    """What the estate itself is expected to do, by the checker's name."""
    return (report.get("claims") or {}).get("conduct") or {}


def _conduct(report: Json) -> Iterator[Row]:
    for name, expected in conduct(report).items():
        seen = dict.fromkeys(filter(None, (_moved(run, *SEEN.get(name, ("", ""))) for run in report["runs"])))
        mark = MARKS[checked(report["runs"], name) or "unknown"]
        yield Row(CONDUCT.get(name, name), expected.replace("-", " "), "", ", ".join(seen), "", mark)


def _moved(run: Json, probe: str, key: str) -> str:
    """`hk-proxy-1 → hk-proxy-2`: what a probe saw before the fault and after it."""
    looks = [(run.get("evidence") or {}).get(when, {}).get(probe, {}) for when in ("before", "during")]
    told = [look.get(key) for look in looks]
    return "" if None in told else " → ".join(dict.fromkeys(map(str, told)))


def median(runs: Sequence[Json], key: str) -> str:
    """Of several runs; of one there is none."""
    found = [run[key] for run in runs if run.get(key) is not None]
    return words.seconds(statistics.median(found)) if len(found) > 1 else ""


def outside(measured: Sequence[float | None], forecast: Any) -> str:
    """By how much the measurement that is furthest outside its prediction is; "" if all are within."""
    strays = [beside(value, forecast) or 0.0 for value in measured if within(value, forecast) is False]
    if not strays:
        return ""
    furthest = max(strays, key=abs)
    return f"{words.seconds(abs(furthest))} {'above' if furthest > 0 else 'below'} its prediction"
