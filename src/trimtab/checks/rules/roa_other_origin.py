"""An announced prefix whose ROAs name other networks only."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.roas import judged
from trimtab.checks.subject import Subject

NAME = "roa-other-origin"
SEVERITY = Severity.ERROR
TITLE = "an announced prefix whose ROAs name other networks only"
WHY = (
    "A ROA that covers a prefix makes every other origin of it invalid, and the large transit networks refuse invalid routes: "
    "the prefix is reached from nowhere, although every session is up and our own routers show it as announced."
)
SOURCE = "RFC 6811, 2; RFC 7115, 5"
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Have a ROA made for the AS that announces the prefix before it does, or announce it from the AS that the ROA names."


def find(subject: Subject) -> Iterator[Hit]:
    for each in judged(subject.inventory, subject.roas):
        if each.own or not each.others:
            continue
        found, names = each.announced, sorted({vrp.asn for vrp in each.others})
        told = ", ".join(f"AS{asn}" for asn in names[:3])
        yield Hit(
            found.loc,
            f"AS{each.origin} announces {found.prefix}, and its ROAs name {told} only ({each.source.name}): invalid everywhere",
            f"have a ROA made: {found.prefix}, maxLength {found.prefix.prefixlen}, AS{each.origin}",
        )
