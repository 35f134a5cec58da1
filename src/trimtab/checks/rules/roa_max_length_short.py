"""An announced prefix that is longer than its ROA allows."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.roas import judged
from trimtab.checks.subject import Subject

NAME = "roa-max-length-short"
SEVERITY = Severity.ERROR
TITLE = "an announced prefix that is longer than its ROA allows"
WHY = (
    "A ROA without maxLength permits exactly its own prefix, one with it nothing longer: what we announce beyond is invalid "
    "although the AS is ours, and networks that validate refuse it."
)
SOURCE = "RFC 6811, 2; RFC 9582, 4 (maxLength)"
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Have a ROA of its own made for the longer prefix; do not raise maxLength for it."


def find(subject: Subject) -> Iterator[Hit]:
    for each in judged(subject.inventory, subject.roas):
        if not each.own or each.valid:
            continue
        found, longest = each.announced, max(each.own, key=lambda vrp: vrp.longest)
        yield Hit(
            found.loc,
            f"AS{each.origin} announces {found.prefix}, and {longest.prefix} permits it up to /{longest.longest} "
            f"({each.source.name}): invalid everywhere",
            f"have a ROA of its own made: {found.prefix}, maxLength {found.prefix.prefixlen}, AS{each.origin}",
        )
