"""What a prediction is made of: terms with their sources, joined by sums, maxima, minima and alternatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trimtab.timing.contest import Contest
from trimtab.timing.interval import NOTHING, Interval, either, first, last, total

Kind = Literal["detection", "convergence", "repair"]
Join = Literal["sum", "last", "first", "either"]
# How a join reads in front of its parts.
WORDS: dict[Join, str] = {
    "sum": "one after the other",
    "last": "at the same time; the last one counts",
    "first": "at the same time; the first one ends it",
    "either": "one of these",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One span of time.

    layer: who is at work: `bfd`, `bgp`, `vrrp`, `front`, `proxy`, `check`, `dns`, `etcd`, `client`, `repair`.
    source: the RFC, manual section, paper or measurement that it comes from.
    kind: whether it is spent noticing the fault, acting on it, or waiting for somebody to mend it.
    """

    layer: str
    what: str
    time: Interval
    source: str
    kind: Kind = "convergence"

    def __post_init__(self) -> None:
        if not (self.layer and self.what and self.source):
            raise ValueError(f"a term needs a layer, words and a source: {self}")


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that are joined. label: what the group is, where the join's own words do not say enough.

    contests: where the whole is an election, those that it may be, by who is lost. They say how likely it is to last how
    long; a split vote is in them and not in the parts.
    """

    join: Join
    parts: tuple[Part, ...]
    label: str = ""
    contests: tuple[Contest, ...] = ()

    @property
    def time(self) -> Interval:
        spans = [part.time for part in self.parts]
        if not spans:
            return NOTHING
        if self.join == "sum":
            return total(spans)
        return {"last": last, "first": first, "either": either}[self.join](spans)

    @property
    def words(self) -> str:
        return f"{self.label}: {WORDS[self.join]}" if self.label else WORDS[self.join]


Part = Term | Group


def after(*parts: Part, label: str = "") -> Part:
    """One after the other. Sums inside sums are flattened: they mean the same."""
    flat: list[Part] = []
    for part in parts:
        flat += part.parts if isinstance(part, Group) and part.join == "sum" and not part.label else [part]
    return flat[0] if len(flat) == 1 else Group("sum", tuple(flat), label)


def last_of(*parts: Part, label: str = "") -> Part:
    return _joined("last", parts, label)


def first_of(*parts: Part, label: str = "") -> Part:
    return _joined("first", parts, label)


def one_of(*parts: Part, label: str = "") -> Part:
    return _joined("either", parts, label)


def _joined(join: Join, parts: tuple[Part, ...], label: str) -> Part:
    """Equal parts count once, so sites that are alike do not repeat their arithmetic."""
    different = tuple(dict.fromkeys(parts))
    return different[0] if len(different) == 1 else Group(join, different, label)


@dataclass(frozen=True, slots=True)
class Prediction:
    """A whole outage."""

    part: Part

    @property
    def total(self) -> Interval:
        """Never below 0, and with UNTIL_REPAIR where nothing in the estate ends it."""
        return self.part.time.not_negative()

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term, in reading order."""
        return tuple(part for _, part in walk(self.part) if isinstance(part, Term))


def walk(part: Part, depth: int = 0) -> Iterator[tuple[int, Part]]:
    """(depth, part) of everything in it, groups before their parts."""
    yield depth, part
    if isinstance(part, Group):
        for inner in part.parts:
            yield from walk(inner, depth + 1)
