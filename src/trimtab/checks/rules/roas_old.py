"""ROAs that were exported more than a day ago."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.roas import OLDEST_S
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "roas-old"
SEVERITY = Severity.WARNING
TITLE = "ROAs that were exported more than a day ago"
WHY = (
    "Registries publish changes within minutes and validators fetch them within an hour. By an old list a ROA that has been "
    "withdrawn, or has expired, still holds, and a new one that makes our route invalid is not there yet."
)
SOURCE = (
    "RFC 7115, 3 (validators refresh at least every 4 to 6 hours); RFC 8210, 6 (a day is the longest refresh)"
)
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Export the ROAs anew before each check, by the same timer or pipeline that runs it."


def find(subject: Subject) -> Iterator[Hit]:
    for source in subject.roas:
        if source.age_s is not None and source.age_s > OLDEST_S:
            hours = duration_text(round(source.age_s / 3600) * 3600.0)
            yield Hit(
                source.loc,
                f"{source.name} was made {hours} ago, a day is the limit",
                "export it anew; rpki-client, Routinator and StayRTR write when they made it",
            )
