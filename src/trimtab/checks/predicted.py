"""What the timing model predicts for each fault, in the words of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc
from trimtab.estate.quantity import duration_text
from trimtab.timing.interval import UNTIL_REPAIR
from trimtab.timing.layout import World
from trimtab.timing.models.base import READS, WRITES
from trimtab.timing.models.network import MAJORITY
from trimtab.timing.parts import Group, Part, Term


@dataclass(frozen=True, slots=True)
class Promise:
    """A time that is promised. whose: in words.  figure: READS or WRITES.  most: seconds."""

    loc: Loc
    whose: str
    figure: str
    most: float

    @property
    def words(self) -> str:
        return f"{self.whose} may be out for {duration_text(self.most)}"


def promised_times(subject: Subject) -> Iterator[Promise]:
    """Every promise of time, where it is written."""
    for loc, whose, objectives in subject.promises():
        if objectives.rto is not None:
            yield Promise((*loc, "rto"), whose, READS, objectives.rto)
        if objectives.write.rto is not None:
            yield Promise((*loc, "write", "rto"), f"{whose}'s writes", WRITES, objectives.write.rto)


@dataclass(frozen=True, slots=True)
class Outage:
    """One fault's predicted outage.

    high: the worst case in seconds, UNTIL_REPAIR where nothing ends it.  longest: the term that it owes most to.
    """

    fault: str
    shows: str
    high: float
    longest: Term

    @property
    def ends(self) -> bool:
        """Something in the estate ends it; otherwise it lasts until somebody has repaired something."""
        return self.high < UNTIL_REPAIR

    @property
    def owes(self) -> str:
        """The longest term with its source."""
        return f"{seconds(self.longest.time.high)} of it: {self.longest.what} ({self.longest.source})"


def outages(subject: Subject, figure: str, world: World = "twin") -> Iterator[Outage]:
    """Of every fault that can happen to the estate; figure is READS or WRITES.

    Where a partition has two sides, writes are judged on the one with the majority: the other refuses them by design.
    """
    for budget in subject.budgets:
        predicted = budget.twin if world == "twin" else budget.internet
        chosen = MAJORITY if figure == WRITES and MAJORITY in predicted else figure
        prediction = predicted.get(chosen)
        if prediction is not None:
            worst = max(_critical(prediction.part), key=lambda term: term.time.high)
            yield Outage(budget.fault, budget.shows, prediction.total.high, worst)


def _critical(part: Part) -> list[Term]:
    """The terms that decide the worst case: all of a sum, the last, the first, or the worse of two."""
    if isinstance(part, Term):
        return [part]
    if part.join == "sum":
        return [term for inner in part.parts for term in _critical(inner)]
    return _critical(_decisive(part))


def _decisive(group: Group) -> Part:
    pick = min if group.join == "first" else max
    return pick(group.parts, key=lambda inner: inner.time.high)


def seconds(value: float) -> str:
    """`3.67 s`."""
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"
