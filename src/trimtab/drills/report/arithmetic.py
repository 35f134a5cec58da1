"""How a prediction adds up: sums with their terms, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from trimtab.drills.report import words

Json = Mapping[str, Any]
WORLDS = {"twin": "in the twin", "internet": "on the Internet"}
FIGURES = {"outage_s": "Reads", "write_outage_s": "Writes"}


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a sum. depth: how far it is indented.  layer, source: "" for a group of the deeper lines after it."""

    depth: int
    what: str
    layer: str
    takes: str
    source: str


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure in one world. takes: the whole.  measured: whether a drill can measure it."""

    title: str
    takes: str
    measured: bool
    parts: tuple[Part, ...]


def sums(report: Json) -> list[Sum]:
    """Of every figure that is predicted, those of the twin first, in the order of `explain`."""
    terms = report.get("terms") or []
    keyed = groupby(terms, key=lambda one: (one.get("world", "twin"), one.get("figure") or one.get("of", "")))
    return sorted((_sum(*key, list(found)) for key, found in keyed), key=lambda one: not one.measured)


def _sum(world: str, figure: str, found: list[Json]) -> Sum:
    parts = tuple(map(_part, found))
    title = FIGURES.get(figure, figure.removesuffix("_s").replace("_", " ").capitalize())
    low, high = found[0]["low"], found[0]["high"]
    whole = [None if low is None else max(0.0, low), None if high is None else max(0.0, high)]
    return Sum(f"{title} {WORLDS.get(world, world)}", words.predicted(whole), world == "twin", parts)


def _part(one: Json) -> Part:
    takes = words.predicted([one.get("low"), one.get("high")])
    return Part(
        one.get("depth", 0), one.get("what", ""), one.get("layer") or "", takes, one.get("source") or ""
    )
