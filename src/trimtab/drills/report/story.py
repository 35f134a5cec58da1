"""What a drill found, told in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trimtab.drills.report.words import count, plural, seconds
from trimtab.drills.verdict import Value, combine

Json = Mapping[str, Any]
ORDER: Mapping[str, int] = {"false": 0, "unknown": 1, "true": 2}


def worst_run(report: Json) -> int | None:
    """The index of the run that says most: by verdict, then by how much of a promise its outages used up."""
    runs = report["runs"]

    def badness(index: int) -> tuple[int, float]:
        used = [
            (runs[index][key] or 0.0) / (claim(report, limit, objective) or 1.0)
            for key, limit, objective in (
                ("outage_s", "reads_s", "rto_s"), ("write_outage_s", "writes_s", "write_rto_s"),
            )
        ]  # fmt: skip
        return ORDER[runs[index]["verdict"]], -max(used)

    return min(range(len(runs)), key=badness) if runs else None


def claim(report: Json, key: str, objective: str) -> float | None:
    """The limit that the scenario judged by; else what the estate promises."""
    claims, objectives = report.get("claims") or {}, report.get("objective") or {}
    found = claims.get(key)
    return objectives.get(objective) if found is None else found


def largest(runs: Sequence[Json], key: str) -> float | None:
    """The largest of a figure over the runs; None if no run has it."""
    return max((run[key] for run in runs if run.get(key) is not None), default=None)


def total(runs: Sequence[Json], key: str) -> int | None:
    """A figure's sum; None if a run does not know it, because a part is no whole."""
    found = [run.get(key) for run in runs]
    known = [value for value in found if value is not None]
    return sum(known) if found and len(known) == len(found) else None


def checked(runs: Sequence[Json], name: str) -> Value | None:
    """What a checker said of all runs together; None if it was not asked in any."""
    found = [check["verdict"] for run in runs for check in run["checks"] if check["check"] == name]
    missing: list[Value] = ["unknown"] * (len(runs) - len(found))
    return combine([*found, *missing]) if found else None


def headline(report: Json) -> str:
    """The verdict in words."""
    runs, wanted = report["runs"], report.get("wanted_runs", len(report["runs"]))
    if report["verdict"] == "true":
        return "Every promise held" + (f", in each of {len(runs)} runs." if len(runs) > 1 else ".")
    if report["verdict"] == "unknown":
        return "Not proved: something could not be measured."
    if checked(runs, "load") == "unknown":
        return (
            "A promise was broken, but the load did not run as asked: measure it again on a quieter machine."
        )
    broken = sum(run["verdict"] == "false" for run in runs)
    return "A promise was broken" + (f", in {broken} of {plural(wanted, 'run')}." if wanted > 1 else ".")


def reasons(report: Json) -> Iterator[str]:
    """Why the verdict is not true: what spoilt the measurement, then the false ones."""
    runs = report["runs"]
    found = [
        (ORDER[check["verdict"]] if check["check"] != "load" else -1, number, check["check"], reason)
        for number, run in enumerate(runs, 1)
        for check in run["checks"]
        if check["verdict"] != "true"
        for reason in check["reasons"] or [f"the checker `{check['check']}` says {check['verdict']}"]
    ]
    for _, number, _, reason in sorted(found, key=lambda one: one[:2]):
        yield reason if len(runs) == 1 else f"run {number}: {reason}"
    if len(runs) < report.get("wanted_runs", len(runs)):
        yield f"only {len(runs)} of {report['wanted_runs']} runs took place"


def lead(report: Json) -> str:
    """What readers, orders and the ledger went through, in one to three sentences; the worst run counts."""
    runs = report["runs"]
    if not runs:
        return "No run took place."
    return " ".join(filter(None, [_readers(runs), _writers(runs), _refused(runs), _ledger(runs)]))


def _readers(runs: Sequence[Json]) -> str:
    lost = [name for run in runs for name, one in run["regions"].items() if not one.get("recovered", True)]
    outage = largest(runs, "outage_s")
    if lost:
        return f"Readers in {_names(lost)} were still failing when the watch ended."
    if outage is None:
        return "What readers saw is not known."
    return f"Readers noticed for {seconds(outage)}." if outage else "Readers noticed nothing."


def _writers(runs: Sequence[Json]) -> str:
    if not any(run.get("orders") for run in runs):
        return "No orders were sent, so nothing is known of writes."
    outage = largest(runs, "write_outage_s")
    if outage is None:
        return "How long orders waited is not known."
    where = " elsewhere" if _refusing(runs) else ""
    if not outage:
        return f"Orders{where} went on without a pause."
    return f"No order{where} was acknowledged for {seconds(outage)}."


def _refused(runs: Sequence[Json]) -> str:
    """A site in the minority has to refuse: that is said apart, and is no outage of the others."""
    names = _refusing(runs)
    return (
        f"Orders of {_names(names)} were refused while it lasted, as they have to be in a minority."
        if names
        else ""
    )


def _refusing(runs: Sequence[Json]) -> list[str]:
    return [name for run in runs for name, one in run["regions"].items() if one.get("refuses")]


def _ledger(runs: Sequence[Json]) -> str:
    lost, acknowledged = total(runs, "lost_orders"), total(runs, "acknowledged_orders")
    if not any(run.get("orders") for run in runs):
        return ""
    if lost is None:
        return "Whether an acknowledged order was lost is not known."
    if lost == 0:
        return f"None of {count(acknowledged)} acknowledged orders was lost."
    return f"{plural(lost, 'acknowledged order')} of {count(acknowledged)} {'was' if lost == 1 else 'were'} lost."


def _names(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
