"""The figures of a run: two panels a region, the whole time and a closer look at the fault."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.drills.report import words
from trimtab.drills.report.chart import Frame
from trimtab.drills.report.predicted import interval
from trimtab.drills.report.strips import Scales, Strip, latency_strip, orders_strip, reads_strip

Json = Mapping[str, Any]

BEFORE_S, AFTER_S = 1.0, 2.0
WORTH_A_ZOOM = 0.8
LABELS = {"fault": "fault", "restore": "restored", "ready": "all ready"}
NARROW_PX, LETTER_PX, ROW_PX, MOST_ROWS = 300, 6.2, 14, 3


@dataclass(frozen=True, slots=True)
class Label:
    """A vertical line with its word. left: the word stands left of the line, at the right border."""

    x: float
    says: str
    kind: str
    row: int
    left: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing; the labels stand over its strips, the ticks under them. height: of all, in pixels."""

    title: str
    strips: tuple[Strip, ...]
    labels: tuple[Label, ...]
    ticks: tuple[tuple[float, str], ...]
    height: int


@dataclass(frozen=True, slots=True)
class RegionFigure:
    """panels: one or two.  says: what the region went through.  served: (phase, by whom) in words."""

    name: str
    says: str
    served: tuple[tuple[str, str], ...]
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A mark of the run. label: its number in the drawings, or the event's own word."""

    at: str
    label: str
    says: str


def figures(run: Json, predicted: Json) -> tuple[RegionFigure, ...]:
    """The figures of a run, a region each; none without a timeline."""
    timeline = run.get("timeline") or {}
    if not timeline.get("regions"):
        return ()
    scales = Scales.of(timeline)
    frames = [(title, frame, _labels(frame, timeline)) for title, frame in _frames(run, timeline)]
    rows = 1 + max((label.row for _, _, labels in frames for label in labels), default=0)
    return tuple(
        RegionFigure(
            name, _says(run["regions"][name]), tuple(_served(run["regions"][name])),
            tuple(
                Panel(title, tuple(strips), labels, tuple(frame.ticks()), int(strips[-1].bottom) + 22)
                for title, frame, labels in frames
                for strips in [_strips(frame, name, timeline, scales, predicted, ROW_PX * rows + 2)]
            ),
        )
        for name in timeline["regions"]
    )  # fmt: skip


def notes(run: Json) -> tuple[Note, ...]:
    """The run's events and marks, in order; none where the drawings say it all."""
    found = list(_labelled(run.get("timeline") or {}))
    if not any(event["kind"] == "mark" for _, event in found):
        return ()
    return tuple(
        Note(words.signed(event["at_s"]), label, event["says"] or LABELS.get(event["kind"], ""))
        for label, event in found
    )


def _labelled(timeline: Json) -> Iterator[tuple[str, Json]]:
    number = 0
    for event in timeline.get("events", ()):
        number += event["kind"] == "mark"
        yield str(number) if event["kind"] == "mark" else LABELS[event["kind"]], event


def _frames(run: Json, timeline: Json) -> list[tuple[str, Frame]]:
    """The whole time; and, where that is much more, -1 s to 2 s after the last outage ended."""
    columns = next(iter(timeline["regions"].values()))
    first, step = timeline["from_s"], timeline["step_s"]
    last = first + step * len(columns["sent"])
    found = [("The whole run", Frame(first, last, first, step))]
    outage = max(run["outage_s"] or 0.0, run["write_outage_s"] or 0.0)
    until = min(last, math.ceil(outage * 2) / 2 + AFTER_S)
    since = max(first, -BEFORE_S)
    if until - since < WORTH_A_ZOOM * (last - first):
        found.append(("Around the fault", Frame(since, until, first, step)))
    return found


def _strips(
    frame: Frame, region: str, timeline: Json, scales: Scales, predicted: Json, top: float
) -> list[Strip]:
    columns = timeline["regions"][region]
    reads = (predicted.get("regions") or {}).get(region, predicted.get("outage_s"))
    found = [reads_strip(frame, columns, scales, top, _shade(frame, reads))]
    if scales.has_orders:
        shade = _shade(frame, predicted.get("write_outage_s"))
        found.append(orders_strip(frame, columns, scales, found[-1].bottom, shade))
    if scales.waits is not None:
        found.append(latency_strip(frame, columns, scales.waits, found[-1].bottom))
    return found


def _shade(frame: Frame, predicted: Any) -> tuple[float, float] | None:
    """(percent, width) of a predicted interval; to the end where nothing bounds it."""
    found = interval(predicted)
    if found is None or found[0] == found[1] == 0:
        return None
    low, high = found[0] or 0.0, frame.until if found[1] is None else found[1]
    left, right = frame.percent(low), frame.percent(high)
    return (left, max(0.4, round(right - left, 3))) if low < frame.until else None


def _labels(frame: Frame, timeline: Json) -> tuple[Label, ...]:
    """The events in the frame, each word in the first row where it does not run into another."""
    ends = [-1.0] * MOST_ROWS
    found: list[Label] = []
    for says, event in _labelled(timeline):
        if not frame.since <= event["at_s"] <= frame.until:
            continue
        x, width = frame.percent(event["at_s"]), (len(says) * LETTER_PX + 8) / NARROW_PX * 100
        left = x + width > 100
        begin = x - width if left else x
        row = next((n for n, end in enumerate(ends) if begin >= end), None)
        if row is None:
            row, says = 0, ""
        else:
            ends[row] = begin + width
        found.append(Label(x, says, event["kind"], row, left))
    return tuple(found)


def _says(region: Json) -> str:
    """`read again after 0.28 s, 46 of 2,468 requests failed; no order acknowledged for 2.43 s`."""
    outage, writes = region.get("outage_s"), region.get("write_outage_s")
    if outage is None:
        reads = "nothing is known of reads"
    elif not region.get("recovered", True):
        reads = "reads still failed at the end"
    else:
        reads = f"reads failed for {words.seconds(outage)}" if outage else "no outage of reads"
    failed = f"{words.count(region['failed'])} of {words.count(region['requests'])} requests failed"
    if not region.get("orders"):
        return f"{reads}; {failed}"
    pause = "orders without a pause" if writes == 0 else f"no order acknowledged for {words.seconds(writes)}"
    return f"{reads}; {failed}; {'nothing is known of orders' if writes is None else pause}"


def _served(region: Json) -> Iterator[tuple[str, str]]:
    """Who answered the region's reads, phase by phase."""
    for phase, sites in (region.get("sites") or {}).items():
        yield phase, ", ".join(f"{site} {words.count(n)}" for site, n in sites.items())
