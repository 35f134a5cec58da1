"""A report's page: JSON in, HTML out. Everything that is said is escaped; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trimtab.drills.report import words
from trimtab.drills.report.arithmetic import sums
from trimtab.drills.report.catchment import lines, of_run
from trimtab.drills.report.catchment_picture import svg
from trimtab.drills.report.figure import figures, notes
from trimtab.drills.report.rows import rows
from trimtab.drills.report.story import headline, lead, reasons, total, worst_run
from trimtab.drills.report.tables import (
    caught,
    checks,
    evidence,
    latencies,
    ledger,
    regions,
    side_by_side,
)

Json = Mapping[str, Any]
MOST_FIGURES = 12  # runs that are drawn; a page of a hundred would be too heavy to open
SIGNS = {"held": "✓", "missed": "✕", "unknown": "?", "true": "✓", "false": "✕", "": ""}


def environment() -> Environment:
    """Templates that escape whatever they are given, and fail on what they are not."""
    found = Environment(
        loader=PackageLoader("trimtab.drills.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters.update(
        seconds=words.seconds, millis=words.millis, count=words.count, when=when, sign=lambda mark: SIGNS[mark],
    )  # fmt: skip
    return found


def page(report: Json) -> str:
    """The page of one scenario. Raises KeyError for what is no report."""
    runs = report["runs"]
    worst = worst_run(report)
    return environment().get_template("page.html.j2").render(
        report=report, headline=headline(report), lead=lead(report), reasons=list(dict.fromkeys(reasons(report))),
        rows=rows(report), drawn=list(_drawn(report, worst)), latencies=latencies(runs, worst),
        ledger=ledger(runs), checks=checks(runs), evidence=evidence(runs), sums=sums(report),
        runs=side_by_side(runs), regions=regions(runs), facts=list(_facts(report)),
        catchments=list(_catchments(report)), failed=_failed(runs), undrawn=max(0, len(runs) - MOST_FIGURES),
    )  # fmt: skip


def index(reports: Mapping[str, Json]) -> str:
    """The page over several. reports: by folder."""
    entries = [
        {
            "folder": folder,
            "report": report,
            "headline": headline(report),
            "lead": lead(report),
            "rows": rows(report),
        }
        for folder, report in reports.items()
    ]
    return environment().get_template("index.html.j2").render(entries=entries)


def when(moment: str | None) -> str:
    """`22 November 2025, 04:09:12 UTC+01:00`; what is no date as it is."""
    try:
        found = datetime.fromisoformat(moment or "")
    except ValueError:
        return moment or words.UNKNOWN
    return f"{found.day} {found:%B %Y, %H:%M:%S} {found.tzname() or ''}".strip()


def _drawn(report: Json, worst: int | None) -> Iterator[dict[str, Any]]:
    """The runs with their figures, the worst first."""
    runs = report["runs"]
    for number in sorted(range(len(runs)), key=lambda n: n != worst)[:MOST_FIGURES]:
        run = runs[number]
        found = figures(run, report["predicted"])
        if found:
            yield {"number": number + 1, "run": run, "regions": found, "notes": notes(run)}


def picture(report: Json) -> str | None:
    """Who was caught where in the worst run, as SVG. None where it was not asked for."""
    worst = worst_run(report)
    found = None if worst is None else of_run(report["runs"][worst])
    return None if found is None else svg(found, _title(report))


def _title(report: Json) -> str:
    return f"{report['scenario']}: who is caught where"


def _catchments(report: Json) -> Iterator[dict[str, Any]]:
    """Of each run the table; the worst one's comes first, with its picture."""
    runs, worst = report["runs"], worst_run(report)
    for number in sorted(range(len(runs)), key=lambda n: n != worst)[:MOST_FIGURES]:
        if found := of_run(runs[number]):
            drawn = Markup(svg(found, _title(report))) if number == worst else ""
            yield {"number": number + 1, "picture": drawn, "says": list(lines(found)), "table": caught(found)}


def _failed(runs: list[Json]) -> str:
    """`142 of 7,404 requests failed at the first attempt, none when tried once more.`"""
    failed, after, of = (total(runs, key) for key in ("failed", "failed_after_retry", "requests"))
    if failed is None or after is None or of is None:
        return ""
    again = "none" if after == 0 else f"{after:,}"
    return f"{failed:,} of {words.plural(of, 'request')} failed at the first attempt, {again} when tried once more."


def _facts(report: Json) -> Iterator[tuple[str, str]]:
    """Where the figures come from, by name."""
    machines = [run["machine"] for run in report["runs"]]
    yield "Estate", report.get("estate") or words.UNKNOWN
    yield "Configuration", report.get("configuration") or words.UNKNOWN
    yield "Date", when(report.get("made_at"))
    rates = [run["rates"] for run in report["runs"] if run.get("rates")]
    if rates:
        yield (
            "Load",
            f"{rates[0]['requests']:.0f} requests/s and {rates[0]['orders']:.0f} orders/s from each region",
        )
    if machines:
        one = machines[0]
        yield "Trimtab", str(one.get("trimtab", words.UNKNOWN))
        processors = words.plural(one["cpus"], "processor") if one.get("cpus") else ""
        yield "Machine", ", ".join(filter(None, [processors, f"Linux {one.get('kernel', '')}".strip()]))
        loads = ["–".join(f"{value:g}" for value in machine["load_average"]) for machine in machines]
        yield "Load average", f"{'; '.join(loads)} (before–after each run)"
        shares = [f"{one['others']:.0%}" for one in machines if one.get("others") is not None]
        yield "Used by others", f"{'; '.join(shares) or words.UNKNOWN} of the processors, in each run"
    records = [str(run["records"]) for run in report["runs"] if run.get("records")]
    yield "Raw records", ", ".join(records) or "not kept"
    yield "Command", report.get("command") or words.UNKNOWN
