"""A service with one address for all sites, and a site that announces none."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.peering import apiece

NAME = "anycast-without-site"
SEVERITY = Severity.WARNING
TITLE = "an anycast service that a site does not serve"
WHY = (
    "Nobody there announces the address, so no client is ever led there, and the site takes none over when another one is "
    "lost. Its proxies do not serve the service's names either: at their own addresses they answer 421."
)
SOURCE = "RFC 4786, 2 (the same address, announced at each site); docs/estate.md, each proxy its own address"
BAD = """\
sites:
  cloud: {front: none}
services:
  api: {address: anycast}
"""
GOOD = """\
sites:
  cloud: {front: none}
services:
  api: {address: site}
"""
FIX = "Write `address: site` and have DNS name that site's proxies too, or accept that the site serves the others alone."


def find(subject: Subject) -> Iterator[Hit]:
    silent = [site for site in subject.fronts if apiece(subject.inventory, site)]
    if not silent:
        return
    for name, service in subject.estate.services.items():
        if subject.inventory.is_anycast(service):
            yield Hit(
                ("services", name, "address"),
                f"{name} has one address for all sites, and {', '.join(silent)} has none of it (`front: none`)",
                "write `address: site`, or accept this",
            )
