"""A route that no request can reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


Key = tuple[str, str]
# no header is called so
HOST, PATH = ":host", ":path"


def find(subject: Subject) -> Iterator[Hit]:
    for name, service in subject.estate.services.items():
        earlier: dict[Key, list[int]] = {}
        for index, route in enumerate(service.routes):
            why = _why(service, route, _candidates(service, route, earlier))
            if why:
                loc = ("services", name, "routes", index)
                yield Hit(
                    loc, f"no request reaches this route: {why}", "put it before the wider one, or remove it"
                )
            for key in _keys(route):
                earlier.setdefault(key, []).append(index)


def _why(service: Service, route: Route, candidates: Sequence[int]) -> str:
    if route.host and not set(route.host) & set(service.names):
        return f"{', '.join(route.host)} is no name of the service"
    for earlier in candidates:
        other = service.routes[earlier]
        if _takes(service, other, route):
            what = "everything" if other.matches_all else "all that it matches"
            return f"`routes[{earlier}]` takes {what}"
    return ""


def _keys(route: Route) -> Iterator[Key]:
    """What a narrower route must have for this one to take it: one of these, by which it is found again."""
    if route.header:
        yield min(_headers(route))
    elif route.host:
        yield from ((HOST, host) for host in route.host)
    else:
        yield PATH, route.path or ""


def _candidates(service: Service, route: Route, earlier: dict[Key, list[int]]) -> list[int]:
    """The earlier routes that may take this one, in their order, by the keys that they have."""
    path = route.path or "/"
    keys: list[Key] = [*_headers(route), (HOST, (route.host or service.names)[0])]
    keys += [(PATH, path[:end]) for end in range(len(path) + 1)]
    return sorted(index for key in keys for index in earlier.get(key, ()))


def _headers(route: Route) -> set[Key]:
    """Their names know no case (RFC 9110, 5.1)."""
    return {(name.lower(), value) for name, value in route.header.items()}


def _takes(service: Service, wide: Route, narrow: Route) -> bool:
    """Does `wide` match every request that `narrow` matches?"""
    return (
        (wide.path is None or (narrow.path or "/").startswith(wide.path))
        and (not wide.suffix or (bool(narrow.suffix) and all(s.endswith(wide.suffix) for s in narrow.suffix)))
        and _headers(wide) <= _headers(narrow)
        and (not wide.method or (bool(narrow.method) and set(narrow.method) <= set(wide.method)))
        and (not wide.host or set(narrow.host or service.names) <= set(wide.host))
    )
