"""An anycast prefix as long as a site's own."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES

NAME = "covering-not-shorter"
SEVERITY = Severity.ERROR
TITLE = "an anycast prefix as long as a site's own"
WHY = (
    "A lost site is caught because its own prefix is longer than the one that covers it: the longer one "
    "wins while it is there. Where both are equally long, every site announces that site's addresses all "
    "the time, and its clients arrive anywhere."
)
SOURCE = "RFC 4632, 5.1 (longest match); RFC 4271, 9.1"
BAD = """\
edge:
  anycast: {prefixes: [203.0.113.0/24, 198.18.1.0/24]}
"""
GOOD = """\
edge:
  anycast: {prefixes: [203.0.113.0/24, 198.18.0.0/22]}
"""
FIX = "Announce a shorter covering prefix, a /22 over the sites' /24s, or leave it out."


def find(subject: Subject) -> Iterator[Hit]:
    anycast = subject.estate.edge.anycast
    owned = {
        prefix: site
        for family in FAMILIES
        for site in subject.inventory.site_names()
        if (prefix := subject.inventory.public(site, family)) is not None
    }
    for index, prefix in enumerate(anycast.prefixes if anycast else ()):
        if prefix in owned:
            yield Hit(
                ("edge", "anycast", "prefixes", index),
                f"{prefix} is {owned[prefix]}'s own prefix: every site announces it, not only {owned[prefix]}",
                f"cover it by a shorter one, a /{prefix.prefixlen - 2} or less",
            )
