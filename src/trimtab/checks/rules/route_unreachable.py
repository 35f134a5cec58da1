"""A route that no request can reach."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.service import Route, Service

NAME = "route-unreachable"
SEVERITY = Severity.ERROR
TITLE = "a route that no request can reach"
WHY = (
    "Routes are tried in order and the first match wins. Behind one that takes everything this one would "
    "take, or for a host that is not among the service's names, a route never acts, and its pool gets "
    "nothing."
)
SOURCE = "docs/estate.md, services; HAProxy Configuration Manual 7 (ACLs are tried in order)"
BAD = """\
services:
  www:
    routes:
      - {pool: web}
      - {path: /api/, pool: api}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {pool: web}
"""
FIX = "Put the narrower route first, or remove it."


def find(subject: Subject) -> Iterator[Hit]:
    for name, service in subject.estate.services.items():
        for index, route in enumerate(service.routes):
            why = _why(service, index, route)
            if why:
                loc = ("services", name, "routes", index)
                yield Hit(
                    loc, f"no request reaches this route: {why}", "put it before the wider one, or remove it"
                )


def _why(service: Service, index: int, route: Route) -> str:
    if route.host and not set(route.host) & set(service.names):
        return f"{', '.join(route.host)} is no name of the service"
    for earlier, other in enumerate(service.routes[:index]):
        if _takes(service, other, route):
            what = "everything" if other.matches_all else "all that it matches"
            return f"`routes[{earlier}]` takes {what}"
    return ""


def _takes(service: Service, wide: Route, narrow: Route) -> bool:
    """Does `wide` match every request that `narrow` matches?"""
    return (
        (wide.path is None or (narrow.path or "/").startswith(wide.path))
        and (not wide.suffix or (bool(narrow.suffix) and all(s.endswith(wide.suffix) for s in narrow.suffix)))
        and wide.header.items() <= narrow.header.items()
        and (not wide.method or (bool(narrow.method) and set(narrow.method) <= set(wide.method)))
        and (not wide.host or set(narrow.host or service.names) <= set(wide.host))
    )
