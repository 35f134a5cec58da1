"""A promise that the timers keep and an election now and then breaks."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import Outage, Promise, outages, promised_times, seconds
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text
from trimtab.timing.chance import SHARE, elects, least, within
from trimtab.timing.text import share

NAME = "promise-broken-by-chance"
SEVERITY = Severity.WARNING
TITLE = "a promise that the timers keep and an election now and then breaks"
WHY = (
    "Whoever survives a leader draws a time-out, and two who draw nearly the same one split the vote: nobody leads, "
    "and all wait anew. The farther the survivors are from each other, the more often that is so. The worst case "
    "without a split vote is within the promise, and still one fault in some hundred breaks it, in a drill as well."
)
SOURCE = "Raft (Ongaro 2014), 3.4 and 9.3; etcd 3.4 and 3.5, raft package; docs/timing.md, How often"
BAD = """\
objectives: {write: {rto: 5s}}
links: [{between: [two, three], rtt: 170ms}]
"""
GOOD = """\
objectives: {write: {rto: 10s}}
links: [{between: [two, three], rtt: 170ms}]
"""
FIX = (
    "Promise what 999 of 1,000 faults keep, or bring the members of the store nearer to each other: an election "
    "time-out is six of their longest round trips."
)


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a promise that every worst case keeps, for the fault that breaks it most often."""
    for promise in promised_times(subject):
        found = [outage for outage in outages(subject, promise.figure) if outage.ends]
        if any(outage.high > promise.most for outage in found):
            continue  # promise-too-tight says so
        seldom = {outage: within(outage.whole, promise.most) for outage in found if elects(outage.whole)}
        late = {outage: kept for outage, kept in seldom.items() if kept < SHARE}
        if late:
            yield _hit(promise, late)


def _hit(promise: Promise, late: dict[Outage, float]) -> Hit:
    worst = min(late, key=lambda outage: round(late[outage], 4))
    keeps = duration_text(ceil(max(least(outage.whole) for outage in late) * 10) / 10)
    more = f"; {len(late) - 1} more of the faults do so" if len(late) > 1 else ""
    return Hit(
        promise.loc,
        f"{promise.words}; {share(late[worst])} of the elections after a {worst.fault} keep that: it takes up to "
        f"{seconds(worst.high)} and longer with a split vote, {worst.owes}{more}",
        f"promise {keeps} or more, which {100 * SHARE:g} % keep, or bring the members of the store nearer to each other",
    )
