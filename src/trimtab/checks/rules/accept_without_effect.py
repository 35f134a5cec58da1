"""An entry of `accept` that accepts nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Finding, Hit, Severity, covers
from trimtab.checks.subject import Subject

NAME = "accept-without-effect"
SEVERITY = Severity.WARNING
TITLE = "an `accept` entry that accepts nothing, says it twice, or whose last day has passed"
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
            continue
        found = [finding for finding in subject.findings if covers(entry, finding)]
        where = f" at {entry.at}" if entry.at else ""
        if not found:
            yield Hit(loc, f"there is no finding of {entry.rule}{where}", "remove the entry or correct `at`")
        elif not any(_first(subject, finding) == index for finding in found):
            first = _first(subject, found[0])
            yield Hit(loc, f"`accept[{first}]` accepts {entry.rule}{where} already", "keep one of the two")


def _first(subject: Subject, finding: Finding) -> int | None:
    """The entry that counts for a finding: the first that has not ended."""
    for index, entry in enumerate(subject.estate.accept):
        if (entry.until is None or entry.until >= subject.today) and covers(entry, finding):
            return index
    return None
