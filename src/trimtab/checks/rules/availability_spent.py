"""One predicted fault spends the year's budget."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import outages, promised_availabilities, seconds
from trimtab.checks.subject import Subject

NAME = "availability-spent"
SEVERITY = Severity.ERROR
TITLE = "one predicted fault spends the year's budget"
WHY = (
    "An availability is a number of seconds a year. If a single fault takes longer than that, the promise "
    "is broken by the first one, and faults come more often than once a year. Faults that nothing ends are "
    "`promise-until-repair`'s."
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


def find(subject: Subject) -> Iterator[Hit]:
    for promise in promised_availabilities(subject):
        ended = [outage for outage in outages(subject, promise.figure) if outage.ends]
        worst = max(ended, key=lambda outage: outage.high, default=None)
        if worst is not None and worst.high > promise.budget:
            yield Hit(
                promise.loc,
                f"{promise.words}; one {worst.fault} takes up to {seconds(worst.high)}, {worst.owes}",
                f"shorten {worst.key}, or promise less" if worst.key else "promise less",
            )
