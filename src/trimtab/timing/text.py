"""The budget as a person reads it: a table of figures, then the arithmetic of a fault."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from math import floor

from trimtab.timing.budget import Budget
from trimtab.timing.interval import Interval, text
from trimtab.timing.layout import World
from trimtab.timing.models.base import WRITES
from trimtab.timing.models.network import MAJORITY
from trimtab.timing.parts import Group, Prediction, Term, walk
from trimtab.timing.verdict import NAMES, Line, Verdict

# Of the fault, the figure and the promise; then of a span, unless one is longer, and of how often it stays within it.
WIDTHS = (22, 8, 7)
SPAN_WIDTH, KEPT_WIDTH = 12, 8
WORLD_NAMES: dict[World, str] = {"twin": "twin", "internet": "Internet"}
SPAN, LAYER = 18, 7

WARNINGS: dict[Verdict, str] = {
    "tight": "the promise is tighter than the twin's worst case",
    "only in the twin": "other networks may take longer than the promise to take up a new route; the Internet's figures have the "
    "longest that is known, not the usual (docs/timing.md)",
    "cannot be kept": "even the best case takes longer than the promise",
    "until repair": "nothing in the estate ends it",
}
OFTEN, NEVER = 0.999, 0.001  # how many of a thousand faults is told no finer


def table(lines: Sequence[Line], worlds: Sequence[World]) -> Iterator[tuple[str, Verdict]]:
    """(text, verdict) of each row, the head first; every figure of a fault is a row of its own."""
    # without a promise for writes there is nobody whose writes are known
    told = [line for line in lines if line.promised is not None or line.figure != WRITES]
    spans = {world: max([SPAN_WIDTH, *(len(text(_of(line, world))) for line in told)]) for world in worlds}
    widths = (*WIDTHS, *(width for world in worlds for width in (spans[world], KEPT_WIDTH)))
    heads = ("fault", "", "promise", *(head for w in worlds for head in (WORLD_NAMES[w], "within")))
    yield _row(heads, widths) + "verdict", ""
    previous = ""
    for line in told:
        name = "" if line.fault == previous else line.fault
        cells = [name, line.name, _promised(line.promised)]
        for world in worlds:
            cells += [text(_of(line, world)), share(line.within.get(world))]
        yield _row(cells, widths) + line.verdict + _whose(line), line.verdict
        previous = line.fault


def share(kept: float | None) -> str:
    """`98.3 %`; `> 99.9 %`, `< 0.1 %` where it is told no finer, `100 %` and `0 %` where it is certain."""
    if kept is None:
        return ""
    if kept in (0.0, 1.0):
        return f"{kept:.0%}".replace("%", " %")
    if kept >= OFTEN:
        return f"> {100 * OFTEN:.1f} %"
    # cut off, not rounded: what is printed as 99.9 % is kept as often as that
    return f"{floor(1000 * kept) / 10:.1f} %" if kept >= NEVER else f"< {100 * NEVER:.1f} %"


def _of(line: Line, world: World) -> Interval:
    return line.twin if world == "twin" else line.internet


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Each cell in its column, or behind one that is too long for its own."""
    row, column = "", 0
    for cell, width in zip(cells, widths, strict=True):
        row += f"{cell} "
        column += width + 1
        row = row.ljust(column)
    return row


def _whose(line: Line) -> str:
    """` (api)`, where other services have another promise."""
    if not line.services or line.promised is None:
        return ""
    return f" ({line.services[0] if len(line.services) == 1 else f'{len(line.services)} services'})"


def _promised(seconds: float | None) -> str:
    return "" if seconds is None else f"≤ {seconds:g} s"


def warnings(lines: Sequence[Line]) -> Iterator[str]:
    """One sentence a kind of verdict that is not `holds`; the table says which lines have it."""
    for verdict, words in WARNINGS.items():
        faults = {line.fault for line in lines if line.verdict == verdict}
        if faults:
            yield f"{verdict}: {words} ({_faults(len(faults))})"
    seldom = {line.fault: line.within["twin"] for line in lines if line.seldom}
    if seldom:
        words = (
            f"a split vote of an election takes longer: {share(min(seldom.values()))} stay within the promise"
        )
        yield f"not always: {words} ({_faults(len(seldom))})"


def _faults(count: int) -> str:
    return f"{count} fault{'' if count == 1 else 's'}"


def arithmetic(
    budget: Budget, worlds: Sequence[World], width: int | None, *, writes: bool = True
) -> Iterator[str]:
    """The terms of a fault, layer by layer, with their sources. width: where to wrap; None for one line a term."""
    yield f"{budget.fault}: {budget.shows}"
    for figure, twin in budget.twin.items():
        if figure == WRITES and (MAJORITY in budget.twin or not writes):
            continue  # its two sides follow, or nobody's writes are known
        found = {"twin": twin, "internet": budget.internet[figure]}
        same = len(worlds) > 1 and twin == found["internet"]
        for world in worlds[:1] if same else worlds:
            title = "twin and Internet" if same else WORLD_NAMES[world]
            yield ""
            yield f"{NAMES[figure]}, {title}: {text(found[world].total)}"
            yield from _parts(found[world], width)


def _parts(prediction: Prediction, width: int | None) -> Iterator[str]:
    """The total is in the title, so a sum at the top needs no line of its own."""
    for deep, part in walk(prediction.part):
        whole = prediction.part
        bare = isinstance(whole, Group) and whole.join == "sum" and not whole.label
        if bare and part is whole:
            continue
        depth = deep - bare
        indent = "  " * depth
        if isinstance(part, Group):
            yield from _wrapped(f"  {_span(part.time)} {indent}{part.words}:", "", depth, width)
        else:
            yield from _wrapped(*_term(part, indent), depth, width)


def _term(term: Term, indent: str) -> tuple[str, str]:
    seen = "notices: " if term.kind == "detection" else ""
    return f"  {_span(term.time)} {indent}{term.layer:{LAYER}} {seen}{term.what}", f"[{term.source}]"


def _span(span: Interval) -> str:
    return f"{text(span):{SPAN}}"


def _wrapped(line: str, source: str, depth: int, width: int | None) -> Iterator[str]:
    whole = f"{line}  {source}".rstrip()
    if width is None:
        yield whole
        return
    rest = " " * (2 + SPAN + 1 + 2 * depth + LAYER + 1)
    yield from textwrap.wrap(
        whole, max(width, 60), subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
