"""What the timing model predicts for each fault, in the words of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc
from trimtab.estate.quantity import duration_text
from trimtab.timing.budget import Budget, budgets_of
from trimtab.timing.interval import UNTIL_REPAIR
from trimtab.timing.layout import World
from trimtab.timing.models.base import READS, WRITES
from trimtab.timing.models.network import MAJORITY
from trimtab.timing.parts import Group, Part, Term

YEAR_S = 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Figure:
    """READS or WRITES of some services' clients."""

    name: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """A time that is promised. whose: in words.  figure: of those that it is made to.  most: seconds."""

    loc: Loc
    whose: str
    figure: Figure
    most: float

    @property
    def words(self) -> str:
        return f"{self.whose} may be out for {duration_text(self.most)}"


def promised_times(subject: Subject) -> Iterator[Promise]:
    """Every promise of time, where it is written: a service's own, the estate's for those without one."""
    services = subject.estate.services
    for loc, whose, objectives in subject.promises():
        own = (str(loc[1]),) if loc[0] == "services" else ()
        if objectives.rto is not None:
            silent = tuple(name for name, one in services.items() if one.objectives.rto is None)
            figure = Figure(READS, own or silent)
            yield Promise((*loc, "rto"), whose, figure, objectives.rto)
        if objectives.write.rto is not None:
            silent = tuple(name for name, one in services.items() if one.objectives.write.rto is None)
            figure = Figure(WRITES, own or silent)
            yield Promise((*loc, "write", "rto"), f"{whose}'s writes", figure, objectives.write.rto)


@dataclass(frozen=True, slots=True)
class Budgeted:
    """An availability that is promised. figure: of those that it is made to.  budget: seconds a year that it leaves."""

    loc: Loc
    figure: Figure
    budget: float
    words: str


def promised_availabilities(subject: Subject) -> Iterator[Budgeted]:
    """Every promise of an availability, as for times."""
    services = subject.estate.services
    for loc, whose, objectives in subject.promises():
        if objectives.availability is not None:
            own = (str(loc[1]),) if loc[0] == "services" else ()
            silent = tuple(name for name, one in services.items() if one.objectives.availability is None)
            budget = (100 - objectives.availability) / 100 * YEAR_S
            words = f"{objectives.availability:.10g}% leave {whose} {budget:.3g} s a year"
            yield Budgeted((*loc, "availability"), Figure(READS, own or silent), budget, words)


# Whose waiting the file decides. `front` has timers too, but no key sets them.
KEYS = {
    "bfd": "`tiers.router.bfd`",
    "bgp": "`tiers.router.hold`",
    "vrrp": "`vrrp.advert`",
    "check": "the pool's `check`",
    "proxy": "`tiers.proxy.timeouts.connect`",
}


@dataclass(frozen=True, slots=True)
class Outage:
    """One fault's predicted outage.

    high: the worst case in seconds, UNTIL_REPAIR where nothing ends it.  longest: the term that it owes most to.
    whole: all of its parts, for how likely it is to last how long.
    """

    fault: str
    shows: str
    high: float
    longest: Term
    whole: Part

    @property
    def ends(self) -> bool:
        """Something in the estate ends it; otherwise it lasts until somebody has repaired something."""
        return self.high < UNTIL_REPAIR

    @property
    def key(self) -> str:
        """The key that shortens its longest term; empty where the estate has none."""
        return KEYS.get(self.longest.layer, "") if self.longest.kind == "detection" else ""

    @property
    def least(self) -> str:
        """The shortest promise that it keeps, rounded up as one writes it."""
        return duration_text(ceil(self.high * 100) / 100)

    @property
    def owes(self) -> str:
        """The longest term with its source."""
        return f"{seconds(self.longest.time.high)} of it: {self.longest.what} ({self.longest.source})"


def outages(subject: Subject, figure: str | Figure, world: World = "twin") -> Iterator[Outage]:
    """Of every fault that can happen to the estate by itself: objectives are for one. figure is READS or WRITES of all
    services, or of some.

    Where a partition has two sides, writes are judged on the one with the majority: the other refuses them by design.
    """
    name = figure if isinstance(figure, str) else figure.name
    for budget in _budgets(subject, figure):
        if budget.faults > 1:
            continue
        predicted = budget.twin if world == "twin" else budget.internet
        chosen = MAJORITY if name == WRITES and MAJORITY in predicted else name
        prediction = predicted.get(chosen)
        if prediction is not None:
            worst = max(_critical(prediction.part), key=lambda term: term.time.high)
            yield Outage(budget.fault, budget.shows, prediction.total.high, worst, prediction.part)


def _budgets(subject: Subject, figure: str | Figure) -> tuple[Budget, ...]:
    if isinstance(figure, str) or len(figure.services) == len(subject.estate.services):
        return subject.budgets
    return budgets_of(subject.inventory, figure.services)


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
