"""Two pools with one and the same check."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "check-shared"
SEVERITY = Severity.WARNING
TITLE = "two pools with one and the same check"
WHY = (
    "Two pools of the same hosts, port and check path are always healthy together. What distinguishes "
    "them, the API from the pages, is checked for neither."
)
SOURCE = "The check should touch what requests need"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
  api: {hosts: backend, port: 8080, check: {get: /health}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health}}
  api: {hosts: backend, port: 8080, check: {get: /api/health}}
"""
FIX = "Give each pool a page of its own part, or make one pool of them."


def find(subject: Subject) -> Iterator[Hit]:
    seen: dict[tuple[str, int | None, str | None], str] = {}
    for name, pool in subject.used_pools():
        path = pool.check.get or pool.check.head
        if not pool.hosts or path is None:
            continue
        key = (pool.hosts, pool.port, path)
        if key in seen:
            yield Hit(
                ("pools", name, "check"),
                f"{path} on port {pool.port} of {pool.hosts} is {seen[key]}'s check too: both are well or unhealthy together",
                "give each pool a page of its own, or make one pool of them",
            )
        seen.setdefault(key, name)
