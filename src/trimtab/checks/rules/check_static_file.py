"""A check of a static file for a pool that computes its answers."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "check-static-file"
SEVERITY = Severity.WARNING
TITLE = "a check of a static file for a pool that computes its answers"
WHY = (
    "A static file is answered from the page cache while the application's workers hang and its database "
    "is gone. The pool stays green and its users see errors."
)
SOURCE = "The check should touch what requests need; HAProxy Configuration Manual 4.2, `option httpchk`"
BAD = """\
pools:
  api: {hosts: backend, port: 8081, check: {head: /api/robots.txt}}
"""
GOOD = """\
pools:
  api: {hosts: backend, port: 8081, check: {get: /api/health}}
"""
FIX = "Check a page that the application computes."


STATIC = (".txt", ".html", ".htm", ".css", ".js", ".ico", ".png", ".jpg", ".gif", ".svg")


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        path = (pool.check.get or pool.check.head or "").partition("?")[0]
        computed = [route for _, _, route in subject.routes_to[name] if not (route.suffix or route.expires)]
        if path.endswith(STATIC) and computed:
            yield Hit(
                ("pools", name, "check"),
                f"{path} is a file, and {name} computes its answers: the file is there while the application hangs",
                "check a page that the application computes",
            )
