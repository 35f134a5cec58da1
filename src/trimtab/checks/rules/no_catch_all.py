"""A service whose last route does not take the rest."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.service import Route

NAME = "no-catch-all"
SEVERITY = Severity.WARNING
TITLE = "a service whose last route does not take the rest"
WHY = (
    "A request that no route matches gets 404 from the proxy, for every path that somebody adds to the "
    "application and forgets here."
)
SOURCE = "docs/estate.md, services"
BAD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {path: /web/, pool: web}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {pool: web}
"""
FIX = (
    "End with a route without a match, or accept it with the reason that everything else is refused on "
    "purpose."
)


def find(subject: Subject) -> Iterator[Hit]:
    for name, service in subject.estate.services.items():
        taken = {host for route in service.routes if _bare(route) for host in route.host or service.names}
        if not taken >= set(service.names):
            yield Hit(
                ("services", name, "routes"),
                f"no route of {name} takes the rest ({len(service.routes)} tried): any other path is answered 404",
                "end with a route without a match",
            )


def _bare(route: Route) -> bool:
    """Does the route take everything of its hosts?"""
    return route.path in (None, "/") and not (route.suffix or route.header or route.method)
