"""A promise that the estate keeps and the Internet may not."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import outages, promised_times, seconds
from trimtab.checks.subject import Subject

NAME = "promise-beyond-internet"
SEVERITY = Severity.WARNING
TITLE = "a promise that the estate keeps and the Internet may not"
WHY = (
    "The timers of this file are fast enough, so the twin measures that the promise holds. Other networks "
    "take their own time to find the next path: mostly seconds, in the worst case minutes. No drill on "
    "one machine shows that."
)
SOURCE = (
    "RFC 4271, 9.2.1.1 (MinRouteAdvertisementInterval); Labovitz et al., Delayed Internet Routing "
    "Convergence, 2000"
)
BAD = """\
objectives: {rto: 5s}
"""
GOOD = """\
objectives: {rto: 10m}
"""
FIX = (
    "Say to whom the promise is made: in the twin, to clients near a site, or to everybody; and measure "
    "it from outside."
)


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a promise that holds in the twin, for the fault that takes longest outside."""
    for promise in promised_times(subject):
        if any(o.ends and o.high > promise.most for o in outages(subject, promise.figure)):
            continue  # it does not even hold in the twin
        outside = outages(subject, promise.figure, "internet")
        late = [o for o in outside if o.ends and o.high > promise.most]
        if late:
            worst = max(late, key=lambda outage: outage.high)
            yield Hit(
                promise.loc,
                f"{promise.words} and is not for longer in the twin; on the Internet a {worst.fault} may take "
                f"{seconds(worst.high)}, {worst.owes}",
                "say to whom the promise is made, and measure it from outside",
            )
