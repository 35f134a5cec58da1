"""The table a person reads after a drill.

What was promised, predicted and measured, and why a verdict is not true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trimtab.drills.report.catchment import lines, of_run
from trimtab.drills.report.rows import FAILED, rows
from trimtab.drills.report.story import claim
from trimtab.drills.report.words import seconds
from trimtab.drills.result import ScenarioResult
from trimtab.drills.verdict import Value

WIDTHS = (23, 8, 11, 24, 6)  # at least: two tables below each other look alike
COLOURS: Mapping[Value, str] = {"true": "green", "false": "red", "unknown": "yellow"}
Line = tuple[str, str, str, str, str]


def report(
    result: ScenarioResult, console: Console, source_s: float | None = None, page: Path | None = None
) -> None:
    """Print the table of a scenario and its verdict."""
    figures(result, console, source_s)
    verdict(result, console, page)


def figures(result: ScenarioResult, console: Console, source_s: float | None = None) -> None:
    """Print the table of a scenario.

    source_s: an outage to compare with that somebody else published, in seconds.
    """
    lines = table_lines(result, source_s)
    runs = f"{len(result.runs)} run{'s' if len(result.runs) != 1 else ''}"
    headline = f"{result.scenario.name}  {result.says or result.scenario.shows}"
    asked = f"{_rate(result)} requests/s per region, load {_load(result)}, {runs}"
    console.print(f"[bold]{escape(headline)}[/bold]  {asked}", soft_wrap=True, highlight=False)
    if console.is_terminal:
        console.print(_table(lines, len(result.runs)))
    else:
        table = [_heads(len(result.runs)), *lines]
        widths = [
            max(least, *map(len, column))
            for least, column in zip(WIDTHS, zip(*table, strict=True), strict=True)
        ]
        for line in table:
            cells = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)]
            console.print("  ".join(cells).rstrip(), soft_wrap=True, highlight=False)
    for reason in [*reasons(result), *strays(result), *caught(result)]:
        console.print(f"  {escape(reason)}", soft_wrap=True, highlight=False)


def verdict(result: ScenarioResult, console: Console, page: Path | None = None) -> None:
    """Print the last line. page: where its report is."""
    colour = COLOURS[result.verdict]
    console.print(f"[{colour}]{result.verdict}[/]  {_where(result, page)}", soft_wrap=True, highlight=False)


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
    found = result.to_report()
    source = "" if source_s is None else seconds(source_s)
    lines = [
        (_small(row.what), row.promised, row.predicted, row.measured, "" if number else source)
        for number, row in enumerate(row for row in rows(found) if row.what != FAILED)
    ]
    most = claim(found, "failed", "")
    failed = f"{_sum(result, 'failed') or 0:,} of {_sum(result, 'requests') or 0:,}"
    again = f"{_sum(result, 'failed_after_retry') or 0:,}"
    return [
        *lines,
        ("requests failed", "" if most is None else f"≤ {most:g}", "", failed, ""),
        ("  even after a retry", "", "", again, ""),
        ("p99 before/during/after", "", "", _p99(result), ""),
    ]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def reasons(result: ScenarioResult) -> Iterator[str]:
    """What each checker that did not say true has to say, by run."""
    for number, run in enumerate(result.runs, 1):
        for verdict in run.verdicts:
            for reason in verdict.reasons if verdict.value != "true" else ():
                yield f"run {number}, {verdict.checker} {verdict.value}: {reason}"
    for run in result.disturbed:
        yield f"a run was played again: others used {run.figures['machine']['others']:.0%} of the processors"
    if len(result.runs) < result.wanted:
        yield f"only {len(result.runs)} of {result.wanted} runs took place"


def strays(result: ScenarioResult) -> Iterator[str]:
    """A line for each measured figure that lies outside its prediction."""
    for row in rows(result.to_report()):
        if row.aside:
            yield f"{_small(row.what)}: {row.aside} of {row.predicted}; the machine was busy, or the model is wrong"


def caught(result: ScenarioResult) -> Iterator[str]:
    """What other networks had elsewhere than before, and in which runs if not in all."""
    found: dict[str, list[str]] = {}
    for number, run in enumerate(result.runs, 1):
        seen = of_run(run.figures)
        for line in lines(seen) if seen else ():
            found.setdefault(line, []).append(str(number))
    for line, runs in found.items():
        some = "" if len(runs) == len(result.runs) else f", run {', '.join(runs)}"
        yield f"catchment{some}: {line}"


def _sum(result: ScenarioResult, key: str) -> int | None:
    found = [run.figures[key] for run in result.runs if run.figures[key] is not None]
    return sum(found) if found else None


def _p99(result: ScenarioResult) -> str:
    found = []
    for phase in ("before", "during", "after"):
        values = [run.figures["p99_ms"][phase] for run in result.runs]
        known = [value for value in values if value is not None]
        found.append(f"{max(known):.0f}" if known else "-")
    return "/".join(found) + " ms"


def _rate(result: ScenarioResult) -> str:
    found = [run.figures["rates"]["requests"] for run in result.runs]
    return f"{max(found):.0f}" if found else "-"


def _load(result: ScenarioResult) -> str:
    found = [value for run in result.runs for value in run.figures["machine"]["load_average"]]
    return f"{max(found):.1f}" if found else "-"


def _where(result: ScenarioResult, page: Path | None) -> str:
    """Of several runs those are named that decided the verdict."""
    runs = [run for run in result.runs if run.verdict == result.verdict] or result.runs
    records = runs[-1].figures["records"] if runs else None
    found = [f"report: {page}" if page else "", f"records: {records}" if records else ""]
    return escape("  ".join(filter(None, found)))
