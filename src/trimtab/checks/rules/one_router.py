"""One router carries a site."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "one-router"
SEVERITY = Severity.WARNING
TITLE = "one router carries a site"
WHY = (
    "It is the gateway of every network of the site and holds every BGP session, so the site ends with "
    "it. Where other sites catch the clients, that costs one convergence; where none does, it costs "
    "everything until somebody has driven there."
)
SOURCE = "RFC 5798, 1; the twin's site-power-cut drill measures what catching costs"
BAD = """\
sites:
  one:
    hosts: {router: 1, proxy: 2, backend: 4}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Set `router: 2`, or accept it with the reason that other sites catch the clients."


def find(subject: Subject) -> Iterator[Hit]:
    others = len(subject.fronts) - 1
    for site in subject.fronts:
        routers = subject.inventory.routers(site)
        if len(routers) == 1:
            rest = (
                f"{others} other site{'s' if others != 1 else ''} must catch its clients"
                if others
                else "nobody catches"
            )
            yield Hit(
                ("sites", site, "hosts", routers[0].group),
                f"{site} has one router: with it gone, {site} is gone and {rest}",
                "write 2: they share a VRRP gateway, each with its own upstream sessions",
            )
