"""A pool that no route leads to."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "pool-unused"
SEVERITY = Severity.WARNING
TITLE = "a pool that no route leads to"
WHY = "No proxy renders it, nothing checks it, and whoever reads the file believes that it serves."
SOURCE = "docs/estate.md, services"
BAD = """\
pools:
  spare: {hosts: backend, port: 8082, check: {get: /health}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
"""
FIX = "Remove it, or name it in a route."


def find(subject: Subject) -> Iterator[Hit]:
    for name in subject.estate.pools:
        if name not in subject.routes_to:
            yield Hit(("pools", name), f"no route leads to {name}", "remove it, or name it in a route")
