"""A promise of time for a fault that nothing in the estate ends."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.predicted import outages, promised_times
from trimtab.checks.subject import Subject

NAME = "promise-until-repair"
SEVERITY = Severity.WARNING
TITLE = "a promise of time for a fault that nothing in the estate ends"
WHY = (
    "Where no spare is left, the outage lasts until somebody has repaired something. A promise of seconds "
    "does not hold for that fault, and no timer changes it."
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


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a promise, with every fault that it does not hold for."""
    for promise in promised_times(subject):
        endless: dict[str, list[str]] = {}
        for outage in outages(subject, promise.figure):
            if not outage.ends:
                why = outage.longest.what.removesuffix(": it lasts until repair")
                endless.setdefault(why, []).append(outage.fault)
        if endless:
            listed = "; ".join(f"{', '.join(faults)} ({why})" for why, faults in endless.items())
            yield Hit(
                promise.loc,
                f"{promise.words}; until repair it is out after {listed}",
                "add the spare that is missing, or accept this with the faults that the promise is not meant for",
            )
