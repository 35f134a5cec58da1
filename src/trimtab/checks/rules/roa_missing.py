"""An announced prefix of which no ROA speaks."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.roas import judged
from trimtab.checks.subject import Subject

NAME = "roa-missing"
SEVERITY = Severity.WARNING
TITLE = "an announced prefix without a ROA"
WHY = (
    "Networks that validate origins refuse what a ROA speaks against, and nothing else: without one, whoever announces "
    "the prefix, or a part of it, is as good as its owner, and traffic goes to the more specific of the two."
)
SOURCE = "RFC 6811, 2 (a route that no ROA covers is not found); RFC 7115, 3"
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Have a ROA made for the prefix at the registry that gave it to you, for the AS that announces it."


def find(subject: Subject) -> Iterator[Hit]:
    for each in judged(subject.inventory, subject.roas):
        if each.own or each.others:
            continue
        found = each.announced
        yield Hit(
            found.loc,
            f"no ROA speaks of {found.prefix}, which AS{each.origin} announces ({each.source.name})",
            f"have one made: {found.prefix}, maxLength {found.prefix.prefixlen}, AS{each.origin}",
        )
