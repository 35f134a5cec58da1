"""What is promised beside what is predicted: kept, tight, or impossible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trimtab.estate.estate import Estate
from trimtab.timing.budget import Budget
from trimtab.timing.interval import UNTIL_REPAIR, Interval
from trimtab.timing.models.base import READS, WRITES
from trimtab.timing.models.network import MAJORITY, MINORITY

# holds: also at the worst on the Internet.  only in the twin: the Internet may take longer.  tight: the twin may take
# longer.  cannot be kept: even the best case takes longer.  until repair: no promise of time can be judged.
Verdict = Literal["", "holds", "only in the twin", "tight", "cannot be kept", "until repair"]
NAMES = {READS: "reads", WRITES: "writes", MAJORITY: "majority", MINORITY: "minority"}


@dataclass(frozen=True, slots=True)
class Promises:
    """The tightest promise of the estate and its services, in seconds; None where nothing is promised."""

    rto: float | None
    write_rto: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a fault. name: `reads`, `writes`, or a side of a partition."""

    fault: str
    figure: str
    name: str
    promised: float | None
    twin: Interval
    internet: Interval
    verdict: Verdict


def promises(estate: Estate) -> Promises:
    every = [service.objectives.over(estate.objectives) for service in estate.services.values()]
    every = every or [estate.objectives]
    return Promises(
        min((o.rto for o in every if o.rto is not None), default=None),
        min((o.write.rto for o in every if o.write.rto is not None), default=None),
    )


def lines(budget: Budget, promised: Promises) -> Iterator[Line]:
    """One line a figure. Where a partition has two sides, the promise is judged on the one with the majority."""
    sided = MAJORITY in budget.twin
    for figure, prediction in budget.twin.items():
        limit = promised.rto if figure == READS else promised.write_rto
        judged = figure in (READS, MAJORITY if sided else WRITES)
        twin, internet = prediction.total, budget.internet[figure].total
        verdict = judge(limit, twin, internet) if judged else "until repair" if not twin.bounded else ""
        yield Line(budget.fault, figure, NAMES[figure], limit if judged else None, twin, internet, verdict)


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
