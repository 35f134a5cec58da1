"""A promise of time for a fault that nothing in the estate ends."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import Figure, outages, promised_availabilities, promised_times
from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc

NAME = "promise-until-repair"
SEVERITY = Severity.WARNING
TITLE = "a promise of time for a fault that nothing in the estate ends"
WHY = (
    "Where no spare is left, the outage lasts until somebody has repaired something. A promise of seconds "
    "does not hold for that fault, nor an availability that leaves less than such a repair takes, and no timer "
    "changes it."
)
SOURCE = "Arithmetic on `trimtab.timing`; the rules of single points of failure say what is missing"
BAD = """\
objectives: {rto: 5s}
sites:
  one:
    hosts: {router: 2, proxy: 1, backend: 4}
"""
GOOD = """\
objectives: {rto: 5s}
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
  two:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Add the spare that is missing, or accept this with the faults that the promise is not meant for."


QUICK_REPAIR_S = 4 * 3600.0  # as service contracts promise it; a budget below does not pay for one


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a promise, with every fault that it does not hold for."""
    for loc, figure, words in [*_times(subject), *_availabilities(subject)]:
        endless: dict[str, list[str]] = {}
        for outage in outages(subject, figure):
            if not outage.ends:
                why = outage.longest.what.removesuffix(": it lasts until repair")
                endless.setdefault(why, []).append(outage.fault)
        if endless:
            listed = "; ".join(f"{', '.join(faults)} ({why})" for why, faults in endless.items())
            yield Hit(
                loc,
                f"{words}; until repair it is out after {listed}",
                "add the spare that is missing, or accept this with the faults that the promise is not meant for",
            )


def _times(subject: Subject) -> Iterator[tuple[Loc, Figure, str]]:
    return ((promise.loc, promise.figure, promise.words) for promise in promised_times(subject))


def _availabilities(subject: Subject) -> Iterator[tuple[Loc, Figure, str]]:
    """Those that leave less of a year than the quickest repair takes."""
    for promise in promised_availabilities(subject):
        if promise.budget < QUICK_REPAIR_S:
            yield promise.loc, promise.figure, f"{promise.words}, a quick repair takes 4 h"
