"""A site whose addresses nobody else catches."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPNetwork
from trimtab.estate.prefix_faults import overlap

NAME = "site-not-covered"
SEVERITY = Severity.WARNING
TITLE = "a site whose addresses nobody else catches"
WHY = (
    "When the site is lost its prefix leaves the Internet and its addresses lead nowhere until every "
    "resolver has asked again, which takes the TTL at least and is not in anybody's hands. A shorter "
    "prefix that all sites announce catches its clients within a second."
)
SOURCE = "RFC 4632, 5.1 (longest match); RFC 8767 (resolvers serve stale answers)"
BAD = """\
edge:
  anycast: {prefixes: [203.0.113.0/24]}
"""
GOOD = """\
edge:
  anycast: {prefixes: [203.0.113.0/24, 198.18.0.0/22]}
"""
FIX = (
    "Add a prefix to `edge.anycast.prefixes` that contains the sites' own. The Internet carries nothing "
    "longer than /24 and /48, so what covers a /24 is a /23 or shorter."
)


def find(subject: Subject) -> Iterator[Hit]:
    by_site = any(subject.inventory.is_by_site(s) for s in subject.estate.services.values())
    if len(subject.fronts) < 2 or not by_site:
        return
    for site in subject.fronts:
        for family in FAMILIES:
            own = subject.inventory.public(site, family)
            if own is not None and not any(_covers(p, own) for p in subject.inventory.anycast(family)):
                yield Hit(
                    ("sites", site, "public"),
                    f"{own} of {site} lies in no prefix of edge.anycast: with {site} lost, its clients wait for DNS",
                    f"announce a prefix everywhere that contains it, /{own.prefixlen - 1} or shorter",
                )


def _covers(prefix: IPNetwork, own: IPNetwork) -> bool:
    return prefix.prefixlen < own.prefixlen and overlap(prefix, own)
