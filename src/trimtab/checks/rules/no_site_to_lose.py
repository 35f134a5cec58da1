"""As many sites may be lost as there are."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "no-site-to-lose"
SEVERITY = Severity.ERROR
TITLE = "as many sites may be lost as there are"
WHY = (
    "`survive_sites` says how many sites may be lost at peak. With that many lost, none is left to carry "
    "anything."
)
SOURCE = "docs/estate.md, objectives"
BAD = """\
objectives: {peak: {requests: 1000/s}, survive_sites: 2}
"""
GOOD = """\
objectives: {peak: {requests: 1000/s}, survive_sites: 1}
"""
FIX = "Lower `survive_sites`, or add sites with proxies."


def find(subject: Subject) -> Iterator[Hit]:
    lost = capacity.lost_sites(subject)
    asked = capacity.demand(subject)
    if (asked or subject.estate.objectives.survive_sites) and subject.fronts and lost >= len(subject.fronts):
        stated = subject.estate.objectives.survive_sites is not None
        yield Hit(
            ("objectives", "survive_sites") if stated or asked is None else asked.loc,
            f"{lost} site{'s' if lost > 1 else ''} may be lost at peak{'' if stated else ' by default'}, and "
            f"{len(subject.fronts)} serve{'s' if len(subject.fronts) == 1 else ''}",
            "add sites with proxies, or write `survive_sites: 0`" if lost == 1 else "lower `survive_sites`",
        )
