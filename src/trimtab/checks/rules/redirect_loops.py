"""A redirect that leads to itself, at once or by way of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.checks.urls import owner, parsed, taken_by
from trimtab.estate.service import Route

NAME = "redirect-loops"
SEVERITY = Severity.ERROR
TITLE = "a redirect that leads to itself"
WHY = (
    "The client follows it, gets it again, and gives up after some twenty times. Several that lead to each "
    "other do the same. Plain http on a name of ours counts as https, because port 80 redirects there."
)
SOURCE = "RFC 9110, 15.4 (cyclical redirection)"
BAD = """\
services:
  www:
    routes:
      - {path: /old/, redirect: "https://www.base.example/old/new"}
      - {path: /api/, pool: api}
      - {pool: web}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /old/, redirect: "https://www.base.example/new/"}
      - {path: /api/, pool: api}
      - {pool: web}
"""
FIX = "Redirect to a path that this route does not match, or to another name."


At = tuple[str, int]  # service, number of the route


def find(subject: Subject) -> Iterator[Hit]:
    """One finding a circle, at the first of its redirects in the file."""
    after = {(name, index): _next(subject, route) for name, index, route in subject.routes()}
    order = {at: number for number, at in enumerate(after)}
    for circle in _circles(after):
        first = circle.index(min(circle, key=order.__getitem__))
        name, index = circle[first]
        turned = circle[first:] + circle[:first]
        yield Hit(("services", name, "routes", index, "redirect"), *_said(subject, turned))


def _next(subject: Subject, route: Route) -> At | None:
    """The redirect that the target of a redirect meets; None where it is answered, or by somebody else."""
    target = parsed(route.redirect)
    service = owner(subject, target) if target else None
    index = taken_by(subject, service, target) if target and service else None
    if service is None or index is None or not subject.estate.services[service].routes[index].redirect:
        return None
    return service, index


def _circles(after: Mapping[At, At | None]) -> Iterator[list[At]]:
    """The redirects of each circle, in their order; every redirect is looked at once."""
    known: set[At] = set()
    for start in after:
        way: dict[At, int] = {}
        at: At | None = start
        while at is not None and at not in known:
            known.add(at)
            way[at] = len(way)
            at = after[at]
        if at in way:
            yield list(way)[way[at] :]


def _said(subject: Subject, circle: list[At]) -> tuple[str, str]:
    targets = [parsed(subject.estate.services[name].routes[index].redirect) for name, index in circle]
    shown = [f"{target.hostname}{target.path}" for target in targets if target]
    if len(shown) == 1:
        return f"{shown[0]} is matched by this route again", "redirect to a path that it does not match"
    return f"{', then '.join(shown)}, and that one leads here again", "let one of them lead to a page"
