"""One predicted fault spends the year's budget."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import outages, seconds
from trimtab.checks.subject import Subject
from trimtab.timing.models.base import READS

NAME = "availability-spent"
SEVERITY = Severity.ERROR
TITLE = "one predicted fault spends the year's budget"
WHY = (
    "An availability is a number of seconds a year. If a single fault takes longer than that, the promise "
    "is broken by the first one, and faults come more often than once a year."
)
SOURCE = "Arithmetic on `trimtab.timing`: what `trimtab check` predicts for each fault"
BAD = """\
objectives: {availability: 99.999999%}
vrrp: {advert: 1s}
"""
GOOD = """\
objectives: {availability: 99.99%}
vrrp: {advert: 1s}
"""
FIX = "Shorten the timers that the message names, or promise what they give."


YEAR_S = 365 * 86400.0


def find(subject: Subject) -> Iterator[Hit]:
    for loc, whose, objectives in subject.promises():
        ended = [o for o in outages(subject, READS) if o.ends] if objectives.availability else []
        worst = max(ended, key=lambda outage: outage.high, default=None)
        if objectives.availability is None or worst is None:
            continue
        budget = (100 - objectives.availability) / 100 * YEAR_S
        if worst.high > budget:
            yield Hit(
                (*loc, "availability"),
                f"{objectives.availability:.10g}% leave {whose} {budget:.3g} s a year; one {worst.fault} takes up to "
                f"{seconds(worst.high)}, {worst.owes}",
                "shorten that timer, or promise less",
            )
