"""A catch-all route whose answers clients may keep."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "expires-on-everything"
SEVERITY = Severity.WARNING
TITLE = "a catch-all route whose answers clients may keep"
WHY = (
    "`expires` puts Cache-Control: public on every answer of the route. On a route that takes everything, "
    "that is also the page of somebody who is signed in, kept by caches that many share."
)
SOURCE = "RFC 9111, 3.5 and 5.2.2.9 (public)"
BAD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {pool: web, expires: 1h}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {suffix: [.css, .js], pool: web, expires: 1h}
      - {pool: web}
"""
FIX = "State `expires` on routes of static files, by `suffix` or `path`."


def find(subject: Subject) -> Iterator[Hit]:
    for name, index, route in subject.routes():
        if route.expires and route.matches_all:
            yield Hit(
                ("services", name, "routes", index, "expires"),
                f"every answer of {name} that no earlier route takes may be kept {duration_text(route.expires)} by shared caches",
                "state `expires` on routes of static files only",
            )
