"""The table a person reads after a drill.

What was promised, predicted and measured, and why a verdict is not true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trimtab.drills.result import ScenarioResult
from trimtab.drills.verdict import Value

WIDTHS = (23, 8, 11, 24, 6)
COLOURS: Mapping[Value, str] = {"true": "green", "false": "red", "unknown": "yellow"}
Line = tuple[str, str, str, str, str]


def report(result: ScenarioResult, console: Console, source_s: float | None = None) -> None:
    """Print the table of a scenario.

    Source_s: an outage to compare with that somebody else published, in seconds.
    """
    lines = table_lines(result, source_s)
    runs = f"{len(result.runs)} run{'s' if len(result.runs) != 1 else ''}"
    headline = f"{result.scenario.name}  {result.says or result.scenario.shows}"
    console.print(
        f"[bold]{escape(headline)}[/bold]  load {_load(result)}, {runs}", soft_wrap=True, highlight=False
    )
    if console.is_terminal:
        console.print(_table(lines, len(result.runs)))
    else:
        for line in [_heads(len(result.runs)), *lines]:
            cells = [f"{cell:{width}}" for cell, width in zip(line, WIDTHS, strict=True)]
            console.print("  ".join(cells).rstrip(), soft_wrap=True, highlight=False)
    for reason in reasons(result):
        console.print(f"  {escape(reason)}", soft_wrap=True, highlight=False)
    colour = COLOURS[result.verdict]
    console.print(f"[{colour}]{result.verdict}[/]  {_where(result)}", soft_wrap=True, highlight=False)


def _heads(runs: int) -> Line:
    return "", "promised", "predicted", f"measured (worst of {runs})", "published"


def _table(lines: Sequence[Line], runs: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in _heads(runs):
        table.add_column(head)
    for line in lines:
        table.add_row(*map(escape, line))
    return table


def table_lines(result: ScenarioResult, source_s: float | None = None) -> list[Line]:
    """The rows of the table, all cells as text."""
    promised, source = result.objectives, "" if source_s is None else seconds(source_s)
    names = list(result.runs[0].figures["regions"]) if result.runs else []
    predicted = result.predicted.get("regions")
    by_region = predicted if isinstance(predicted, dict) else {}
    lines: list[Line] = []
    for number, region in enumerate(names):
        measured, limit = _worst_of_region(result, region), _limit(promised.get("rto_s"))
        forecast = _predicted(by_region.get(region, result.predicted.get("outage_s")))
        lines.append((f"reads, {region}", limit, forecast, measured, "" if number else source))
    writes = _predicted(result.predicted.get("write_outage_s"))
    lines.append(
        ("writes", _limit(promised.get("write_rto_s")), writes, seconds(result.worst("write_outage_s")), "")
    )
    rpo = promised.get("write_rpo")
    lines.append(("orders lost", "" if rpo is None else f"{rpo:g}", "", _lost(result), ""))
    lines.append(
        (
            "requests failed",
            "",
            "",
            f"{_sum(result, 'failed') or 0:,} of {_sum(result, 'requests') or 0:,}",
            "",
        )
    )
    lines.append(("  even after a retry", "", "", f"{_sum(result, 'failed_after_retry') or 0:,}", ""))
    lines.append(("p99 before/during/after", "", "", _p99(result), ""))
    return lines


def reasons(result: ScenarioResult) -> Iterator[str]:
    """What each checker that did not say true has to say, by run."""
    for number, run in enumerate(result.runs, 1):
        for verdict in run.verdicts:
            for reason in verdict.reasons if verdict.value != "true" else ():
                yield f"run {number}, {verdict.checker} {verdict.value}: {reason}"
    if len(result.runs) < result.wanted:
        yield f"only {len(result.runs)} of {result.wanted} runs took place"


def seconds(value: float | None) -> str:
    """`0.31 s`; a dash for what is not known."""
    if value is None:
        return "-"
    return "0 s" if value == 0 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _limit(value: float | None) -> str:
    return "" if value is None else f"≤ {value:g} s"


def _predicted(value: Any) -> str:
    """A prediction is a number of seconds, or a pair of the best and the worst."""
    if isinstance(value, int | float):
        return seconds(value)
    if value == [0.0, 0.0]:
        return seconds(0)
    return f"{value[0]:.2f}–{value[1]:.2f} s" if isinstance(value, list | tuple) and len(value) == 2 else ""


def _worst_of_region(result: ScenarioResult, region: str) -> str:
    found = [run.figures["regions"].get(region, {}) for run in result.runs]
    values = [one["outage_s"] for one in found if one.get("outage_s") is not None]
    lasting = "" if all(one.get("recovered", True) for one in found) else ", not recovered"
    return seconds(max(values, default=None)) + lasting


def _sum(result: ScenarioResult, key: str) -> int | None:
    found = [run.figures[key] for run in result.runs if run.figures[key] is not None]
    return sum(found) if found else None


def _lost(result: ScenarioResult) -> str:
    acknowledged, lost = _sum(result, "acknowledged_orders"), _sum(result, "lost_orders")
    return "unknown" if acknowledged is None or lost is None else f"{lost:,} of {acknowledged:,} acknowledged"


def _p99(result: ScenarioResult) -> str:
    found = []
    for phase in ("before", "during", "after"):
        values = [run.figures["p99_ms"][phase] for run in result.runs]
        known = [value for value in values if value is not None]
        found.append(f"{max(known):.0f}" if known else "-")
    return "/".join(found) + " ms"


def _load(result: ScenarioResult) -> str:
    found = [value for run in result.runs for value in run.figures["machine"]["load_average"]]
    return f"{max(found):.1f}" if found else "-"


def _where(result: ScenarioResult) -> str:
    records = result.runs[-1].figures["records"] if result.runs else None
    return f"records: {records}" if records else ""
