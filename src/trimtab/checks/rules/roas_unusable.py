"""ROAs that cannot be read, so that nothing is known."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "roas-unusable"
SEVERITY = Severity.ERROR
TITLE = "ROAs that cannot be read"
WHY = (
    "What the ROAs say of our prefixes is unknown then, and unknown is not valid: a prefix that every other network refuses "
    "would pass this check. A list without a single ROA is as bad: it says of nothing that it is invalid."
)
SOURCE = "RFC 7115, 5 (what is known has to be current); the formats of rpki-client, Routinator and StayRTR"
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Export the ROAs anew, or correct the path; of a validator that was asked: see whether it runs and is reached."


def find(subject: Subject) -> Iterator[Hit]:
    for source in subject.roas:
        if source.roas is None:
            yield Hit(source.loc, f"{source.name}: {source.fault}", source.hint)
        elif not source.roas.total:
            yield Hit(
                source.loc,
                f"{source.name} knows no ROA at all, and the Internet has hundreds of thousands: it has lost its data",
                "see why its validator has nothing: by it every route is not found, and none is refused",
            )
