"""A check of a path that none of the pool's routes serves."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "check-off-route"
SEVERITY = Severity.WARNING
TITLE = "a check of a path that none of the pool's routes serves"
WHY = (
    "What is checked is then another part of the application than the one that the routes lead to; the "
    "one can be well while the other is dead."
)
SOURCE = "The check should take the path that requests take"
BAD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {pool: web}
pools:
  api: {hosts: backend, port: 8081, check: {get: /health}}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /api/, pool: api}
      - {pool: web}
pools:
  api: {hosts: backend, port: 8081, check: {get: /api/health}}
"""
FIX = "Check a path below the one that the routes match."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        path = (pool.check.get or pool.check.head or "").partition("?")[0]
        served = [route.path for _, _, route in subject.routes_to[name]]
        if path and None not in served and not any(path.startswith(p or "/") for p in served):
            listed = ", ".join(sorted({str(p) for p in served}))
            yield Hit(
                ("pools", name, "check"),
                f"{path} is checked, and the routes to {name} serve {listed}",
                "check a path below those, or accept it where the health page is kept from the public on purpose",
            )
