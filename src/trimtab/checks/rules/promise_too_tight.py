"""A promise shorter than what the timers give."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import outages, promised_times, seconds
from trimtab.checks.subject import Subject

NAME = "promise-too-tight"
SEVERITY = Severity.ERROR
TITLE = "a promise shorter than what the timers give"
WHY = (
    "The outage after a fault is the sum of timers in this file: BFD, VRRP, the hold time, elections. If "
    "that sum is longer than the promise, the promise is broken before anything is deployed, and every "
    "drill will say so."
)
SOURCE = "RFC 5880, 6.8.4; RFC 5798, 6.1; RFC 4271, 4.2; Raft (Ongaro 2014), 3.4; each term names its own"
BAD = """\
objectives: {rto: 500ms}
vrrp: {advert: 1s}
"""
GOOD = """\
objectives: {rto: 5s}
vrrp: {advert: 1s}
"""
FIX = "Shorten the longest term that the message names, or promise what the timers give."


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a promise, for the fault that breaks it most."""
    for promise in promised_times(subject):
        late = [o for o in outages(subject, promise.figure) if o.ends and o.high > promise.most]
        if late:
            worst = max(late, key=lambda outage: outage.high)
            more = f"; {len(late) - 1} more of the faults break it" if len(late) > 1 else ""
            yield Hit(
                promise.loc,
                f"{promise.words}; a {worst.fault} takes up to {seconds(worst.high)}, {worst.owes}{more}",
                f"shorten {worst.key}, or promise what the timers give"
                if worst.key
                else f"promise {worst.least} or more",
            )
