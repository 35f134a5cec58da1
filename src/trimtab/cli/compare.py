"""`trimtab drill compare`: what changed between two reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.options import Json, named
from trimtab.cli.output import print_json, print_line
from trimtab.drills.report.compare import compare as hold
from trimtab.drills.report.compare import in_words, value
from trimtab.drills.report.folder import load
from trimtab.errors import BadInput

WHAT, CELL = 20, 16
Report = dict[str, Any]


def compare(
    a: Annotated[Path, typer.Argument(help="a report's directory or report.json", metavar="A", parser=named)],
    b: Annotated[Path, typer.Argument(help="the later one", metavar="B", parser=named)],
    json: Json = False,
) -> int:
    """What changed between two reports. Exit 1 if a verdict got worse."""
    first, second = ({report["scenario"]: report for report in load(place)} for place in (a, b))
    both = [name for name in first if name in second]
    if not both:
        raise BadInput(
            "the two have no scenario in common", f"{a}: {', '.join(first)}; {b}: {', '.join(second)}"
        )
    found = [hold(first[name], second[name]) for name in both]
    alone = [(name, place) for names, other, place in ((first, second, a), (second, first, b))
             for name in names if name not in other]  # fmt: skip
    if json:
        print_json([one.to_json() for one in found])
    else:
        _print(found, alone)
    return 1 if any(one.worse for one in found) else 0


def _print(found: Sequence[Any], alone: Sequence[tuple[str, Path]]) -> None:
    for one in found:
        worse = "  the verdict is worse" if one.worse else ""
        print_line(f"{one.scenario}, medians of the runs{worse}")
        heads = [
            f"{letter}, {runs} run{'s' if runs != 1 else ''}"
            for letter, runs in zip("AB", one.runs, strict=True)
        ]
        _line("", *heads, "")
        for change in one.changes:
            cells = [value(cell, change.unit) for cell in (change.a, change.b)]
            _line(change.what, *(_short(cell) for cell in cells), in_words(change))
    for name, place in alone:
        print_line(f"{name}: only in {place}")


def _line(*cells: str) -> None:
    what, a, b, told = cells
    print_line(f"  {what:<{WHAT}}{a:<{CELL}}{b:<{CELL}}{told}".rstrip())


def _short(cell: str) -> str:
    """A hash is told by its beginning."""
    return cell if len(cell) < CELL else cell[: CELL - 3] + "…"
