"""A public prefix that the Internet does not carry."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.announced import announcements
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.special import is_private_as

NAME = "prefix-not-carried"
SEVERITY = Severity.ERROR
TITLE = "a public prefix that the Internet does not carry"
WHY = (
    "Every network on the way filters what is set aside for private use, for links between providers or for "
    "nobody: the announcement ends at the first upstream, no client arrives, and some upstreams shut the session."
)
SOURCE = "RFC 6890 (special-purpose address registries); RFC 7454, 6.1 (what to filter)"
BAD = """\
sites:
  one:
    public: [192.168.1.0/24, 2001:db8:1::/48]
"""
GOOD = """\
sites:
  one:
    public: [198.18.1.0/24, 2001:db8:1::/48]
"""
FIX = "Announce a prefix that a registry has given you."


def find(subject: Subject) -> Iterator[Hit]:
    for found in announcements(subject.inventory):
        outside = sorted(asn for asn in found.upstreams if not is_private_as(asn))
        if found.block is None or found.block.example or not outside:
            continue
        yield Hit(
            found.loc,
            f"{found.prefix} lies in {found.block.network}, {found.block.purpose}: AS{outside[0]} will not carry it",
            "write a prefix that a registry has given you",
        )
