"""What is promised beside what is predicted: kept, tight, or impossible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.timing.budget import Budget, budgets_of
from trimtab.timing.chance import SHARE, within
from trimtab.timing.interval import UNTIL_REPAIR, Interval
from trimtab.timing.layout import World
from trimtab.timing.models.base import READS, WRITES
from trimtab.timing.models.network import MAJORITY, MINORITY
from trimtab.timing.parts import Prediction

# holds: also at the worst on the Internet.  only in the twin: the Internet may take longer.  tight: the twin may take
# longer.  cannot be kept: even the best case takes longer.  until repair: no promise of time can be judged.
# A split vote of an election is in none of them: it is in what stays within the promise.
Verdict = Literal["", "holds", "only in the twin", "tight", "cannot be kept", "until repair"]
WORST: tuple[Verdict, ...] = ("", "holds", "only in the twin", "tight", "until repair", "cannot be kept")
NAMES = {READS: "reads", WRITES: "writes", MAJORITY: "majority", MINORITY: "minority"}


@dataclass(frozen=True, slots=True)
class Promises:
    """The tightest promise of the estate and its services, in seconds; None where nothing is promised."""

    rto: float | None
    write_rto: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a fault. name: `reads`, `writes`, or a side of a partition.

    services: whose figure and promise it is, where that is not all of them.
    within: how often such a fault stays within the promise, 0 to 1, by world; empty where nothing is promised.
    """

    fault: str
    figure: str
    name: str
    promised: float | None
    twin: Interval
    internet: Interval
    verdict: Verdict
    services: tuple[str, ...] = ()
    within: Mapping[World, float] = field(default_factory=dict)

    @property
    def seldom(self) -> bool:
        """Is the worst case in the twin within the promise, and a split vote not seldom enough?"""
        return self.verdict in ("holds", "only in the twin") and self.within.get("twin", 1.0) < SHARE


def promises(estate: Estate) -> Promises:
    every = [service.objectives.over(estate.objectives) for service in estate.services.values()]
    every = every or [estate.objectives]
    return Promises(
        min((o.rto for o in every if o.rto is not None), default=None),
        min((o.write.rto for o in every if o.write.rto is not None), default=None),
    )


def by_promise(estate: Estate) -> dict[Promises, tuple[str, ...]]:
    """The services that each promise is made for."""
    found: dict[Promises, tuple[str, ...]] = {}
    for name, service in sorted(estate.services.items()):
        own = service.objectives.over(estate.objectives)
        promised = Promises(own.rto, own.write.rto)
        found[promised] = (*found.get(promised, ()), name)
    return found


def all_lines(inventory: Inventory, chosen: Sequence[Budget]) -> list[Line]:
    """The lines of some faults. Each promise is judged by the figures of its own services; the one that fares
    worst is told.
    """
    groups = by_promise(inventory.estate)
    if len(groups) < 2:
        return [line for budget in chosen for line in lines(budget, promises(inventory.estate))]
    apart = [
        (promised, services, {budget.fault: budget for budget in budgets_of(inventory, services)})
        for promised, services in groups.items()
    ]
    found = []
    for whole in chosen:
        by_figure: dict[str, list[Line]] = {figure: [] for figure in whole.twin}
        for promised, services, budgets in apart:
            for line in lines(budgets[whole.fault], promised) if whole.fault in budgets else ():
                by_figure[line.figure].append(replace(line, services=services))
        found += [max(each, key=_badness) for each in by_figure.values() if each]
    return found


def _badness(line: Line) -> tuple[bool, int, float, float]:
    """What is promised goes before what is not, then the worse verdict, what is kept less often, the tighter promise."""
    kept = line.within.get("twin", 1.0)
    return line.promised is not None, WORST.index(line.verdict), -kept, -(line.promised or 0.0)


def lines(budget: Budget, promised: Promises) -> Iterator[Line]:
    """One line a figure. Where a partition has two sides, the promise is judged on the one with the majority; of two faults at
    once nothing is promised.
    """
    sided = MAJORITY in budget.twin
    for figure, prediction in budget.twin.items():
        limit = promised.rto if figure == READS else promised.write_rto
        judged = budget.faults == 1 and figure in (READS, MAJORITY if sided else WRITES)
        twin, internet = prediction.total, budget.internet[figure].total
        verdict = judge(limit, twin, internet) if judged else "until repair" if not twin.bounded else ""
        limit = limit if judged else None
        kept: Mapping[World, float] = (
            {} if limit is None else _kept(limit, prediction, budget.internet[figure])
        )
        yield Line(budget.fault, figure, NAMES[figure], limit, twin, internet, verdict, within=kept)


def _kept(limit: float, twin: Prediction, internet: Prediction) -> dict[World, float]:
    return {"twin": within(twin.part, limit), "internet": within(internet.part, limit)}


def judge(promised: float | None, twin: Interval, internet: Interval) -> Verdict:
    """Compared to the millisecond, as the figures are printed."""
    if twin.low == UNTIL_REPAIR:
        return "until repair"
    if promised is None:
        return ""
    if promised < round(twin.low, 3):
        return "cannot be kept"
    if promised < round(twin.high, 3):
        return "tight"
    return "only in the twin" if promised < round(internet.high, 3) else "holds"
