"""A TCP check for a pool that answers HTTP."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.rules.plain_to_tls_port import expects_tls
from trimtab.checks.subject import Subject

NAME = "check-is-tcp"
SEVERITY = Severity.WARNING
TITLE = "a TCP check for a pool that answers HTTP"
WHY = (
    "A process that accepts connections and answers 500, or hangs behind a full queue, passes a TCP check "
    "for ever and keeps its share of the requests."
)
SOURCE = "HAProxy Configuration Manual 4.2, `option httpchk`"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {every: 1s}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 1s}}
"""
FIX = "Write `get: /health`, a page that touches what requests need."


def find(subject: Subject) -> Iterator[Hit]:
    if not subject.engine.checks:
        return  # it has no checks to get wrong
    for name, pool in subject.used_pools():
        if expects_tls(name, pool):
            continue  # a page would not be answered either: plain-to-tls-port says so
        if not (pool.check.get or pool.check.head):
            yield Hit(
                ("pools", name, "check"),
                f"{name} serves HTTP and is checked by a TCP connect: an answer of 500 counts as healthy",
                "write `get: /health`",
            )
