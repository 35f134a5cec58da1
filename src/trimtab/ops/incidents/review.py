"""An incident as a page for people, in Markdown: what is known of it is there, what nobody but they can know is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from trimtab.ops.incidents.incident import CLASSES, Event, Incident, span

QUESTIONS = (
    "What was the cause?",
    "What did clients notice, and how many of them?",
    "What was done by hand, and what would have ended it sooner?",
    "What kept it from being worse?",
    "What is changed now, by whom, until when?",
)
MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_<|"})


def review(found: Incident) -> str:
    """Times are in UTC."""
    blocks = [
        [f"# Incident {found.number}: {found.site} ({found.kind})"],
        ["## Summary", "", _summary(found)],
        ["## Timeline", "", *_timeline(found)],
        ["## What the vantage points said", "", *_list(found.said, "Nothing is known of it.")],
        ["## What was decided", "", *_list(_decided(found), "Nothing was asked.")],
        ["## How it ended", "", _end(found)],
        ["## Durations", "", *_durations(found)],
        ["## Open questions", "", *_questions()],
    ]
    return "\n\n".join("\n".join(block).rstrip() for block in blocks) + "\n"


def _summary(found: Incident) -> str:
    asked, refused = len(found.of_kind("granted", "refused")), len(found.of_kind("refused"))
    again = len(found.of_kind("detected")) - 1
    parts = [
        f"{found.site} did not serve: {CLASSES[found.kind]}. A quorum found it at {_time(found.since)}.",
        f"It came back and failed again, or was lost from sight, {again}×." if again else "",
        f"Of {asked} requests about it {refused} were refused." if asked else "Nobody asked for anything.",
        f"It did not serve for {span(found.verified - found.since)}, as a quorum saw it."
        if found.verified
        else "",
        "" if found.closed else "It is not over.",
    ]
    return " ".join(part for part in parts if part)


def _timeline(found: Incident) -> Iterator[str]:
    yield "| time (UTC) | what | |"
    yield "|---|---|---|"
    half = len(found.events) // 2
    for place, event in enumerate(found.events):
        if found.left_out and place == half:
            yield f"| | | {found.left_out} events are left out here |"
        yield f"| {_time(event.at)} | {event.kind} | {_safe(event.text)} |"


def _decided(found: Incident) -> list[str]:
    return [f"{_time(event.at)} {event.kind}: {event.text}" for event in found.of_kind("granted", "refused")]


def _end(found: Incident) -> str:
    if not found.closed:
        return f"It is open: {found.state}, and the last that a quorum said is: {found.quorum}."
    last: Event = found.events[-1]
    return f"Closed at {_time(found.closed)}: {_safe(last.text)}."


def _durations(found: Incident) -> Iterator[str]:
    later = (event.at for event in found.of_kind("granted", "acted") if event.at >= found.opened)
    acted = next(later, 0.0)
    rows = (
        ("the first vantage point says so", "a quorum does (the verdict)", found.first, found.since),
        ("the verdict", "detected, that is written down", found.since, found.opened),
        ("detected", "the first thing that was done", found.opened, acted),
        ("detected", "verified: it serves", found.opened, found.verified),
        ("detected", "closed", found.opened, found.closed),
    )
    yield "| from | to | takes |"
    yield "|---|---|---|"
    for begin, end, start, stop in rows:
        takes = "not known" if not start else span(stop - start) if stop else "has not happened"
        yield f"| {begin} | {end} | {takes} |"
    yield ""
    yield "How long it failed before the first vantage point said so is not known here: its own word takes"
    yield "`edge.health.fall` failures in a row."


def _questions() -> Iterator[str]:
    for question in QUESTIONS:
        yield f"- **{question}**"
        yield ""
        yield "  …"
        yield ""


def _list(lines: Iterable[str], empty: str) -> list[str]:
    return [f"- {_safe(line)}" for line in lines] or [empty]


def _safe(text: str) -> str:
    """Somebody else's words, without a meaning in Markdown."""
    return text.translate(MARKS)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "a time that is not known"
