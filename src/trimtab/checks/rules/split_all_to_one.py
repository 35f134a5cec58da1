"""A split that gives everything to one pool."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "split-all-to-one"
SEVERITY = Severity.WARNING
TITLE = "a split that gives everything to one pool"
WHY = (
    "The other pools get nothing, so what looks like a canary is none. After a release that was "
    "forgotten, the next one is thought to be tested on it."
)
SOURCE = "docs/estate.md, services"
BAD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {split: {web: 100, api: 0}}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {split: {web: 95, api: 5}}
"""
FIX = "Give the other pool a share, or write `pool`."


def find(subject: Subject) -> Iterator[Hit]:
    for name, index, route in subject.routes():
        given = [pool for pool, share in (route.split or {}).items() if share]
        if len(given) == 1:
            yield Hit(
                ("services", name, "routes", index, "split"),
                f"{given[0]} gets everything and the other {len(route.split or {}) - 1} nothing",
                f"write `pool: {given[0]}`, or give the other a share",
            )
