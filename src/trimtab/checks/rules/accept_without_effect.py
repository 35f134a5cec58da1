"""An entry of `accept` that accepts nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity, covers
from trimtab.checks.subject import Subject

NAME = "accept-without-effect"
SEVERITY = Severity.WARNING
TITLE = "an `accept` entry that accepts no finding, or whose last day has passed"
WHY = (
    "What it was written for is gone, was moved to another key, or comes back on a day that nobody remembers. Left in "
    "place it will silently accept the next defect of that kind."
)
SOURCE = "ours; as for unused suppressions in static analysers"
BAD = """\
accept:
  - {rule: fall-one, at: pools.api, reason: the pool is a demonstration}
"""
GOOD = """\
accept: []
"""
FIX = "Remove the entry, correct `at`, or decide anew and set another `until`."


def find(subject: Subject) -> Iterator[Hit]:
    for index, entry in enumerate(subject.estate.accept):
        loc = ("accept", index)
        if entry.until is not None and entry.until < subject.today:
            yield Hit(
                loc,
                f"accepting {entry.rule} ended on {entry.until}",
                "remove the entry or set another `until`",
            )
        elif not any(covers(entry, finding) for finding in subject.findings):
            where = f" at {entry.at}" if entry.at else ""
            yield Hit(loc, f"there is no finding of {entry.rule}{where}", "remove the entry or correct `at`")
