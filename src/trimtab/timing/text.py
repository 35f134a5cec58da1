"""The budget as a person reads it: a table of figures, then the arithmetic of a fault."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from trimtab.timing.budget import Budget
from trimtab.timing.interval import Interval, text
from trimtab.timing.layout import World
from trimtab.timing.models.base import WRITES
from trimtab.timing.models.network import MAJORITY
from trimtab.timing.parts import Group, Prediction, Term, walk
from trimtab.timing.verdict import NAMES, Line, Verdict

WIDTHS = (22, 8, 8, 19, 19)
WORLD_NAMES: dict[World, str] = {"twin": "twin", "internet": "Internet"}
SPAN, LAYER = 18, 7

WARNINGS: dict[Verdict, str] = {
    "tight": "the promise is tighter than the twin's worst case",
    "only in the twin": "the Internet may take longer than the promise",
    "cannot be kept": "even the best case takes longer than the promise",
    "until repair": "nothing in the estate ends it",
}


def table(lines: Sequence[Line], worlds: Sequence[World]) -> Iterator[tuple[str, Verdict]]:
    """(text, verdict) of each row, the head first; every figure of a fault is a row of its own."""
    heads = ("fault", "", "promised", *(WORLD_NAMES[w] for w in worlds))
    yield _row(heads) + "verdict", ""
    previous = ""
    for line in lines:
        if line.promised is None and line.figure == WRITES:
            continue  # without a promise for writes there is nobody whose writes are known
        spans = [line.twin if world == "twin" else line.internet for world in worlds]
        name = "" if line.fault == previous else line.fault
        cells = (name, line.name, _promised(line.promised), *(text(s) for s in spans))
        yield _row(cells) + line.verdict + _whose(line), line.verdict
        previous = line.fault


def _row(cells: Sequence[str]) -> str:
    return "".join(f"{cell:{width}} " for cell, width in zip(cells, WIDTHS, strict=False))


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
            yield f"{verdict}: {words} ({len(faults)} fault{'' if len(faults) == 1 else 's'})"


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
