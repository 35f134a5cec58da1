"""A redirect that leads to itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.service import Route

NAME = "redirect-loops"
SEVERITY = Severity.ERROR
TITLE = "a redirect that leads to itself"
WHY = (
    "The client follows it, gets it again, and gives up after some twenty times. A redirect to plain http "
    "on a name of its own does the same, because port 80 redirects to https."
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


def find(subject: Subject) -> Iterator[Hit]:
    for name, index, route in subject.routes():
        target = urlsplit(route.redirect or "")
        service = subject.estate.services[name]
        if route.redirect and target.hostname in service.names and _matches(route, target):
            yield Hit(
                ("services", name, "routes", index, "redirect"),
                f"{target.hostname}{target.path} is matched by this route again",
                "redirect to a path that it does not match",
            )


def _matches(route: Route, target: SplitResult) -> bool:
    """Does a GET of the target meet the route's own path, suffix and host? A header may differ, so it ends the loop."""
    path = target.path or "/"
    return (
        path.startswith(route.path or "/")
        and (not route.suffix or path.endswith(route.suffix))
        and (not route.host or target.hostname in route.host)
        and (not route.method or "GET" in route.method)
        and not route.header
    )
