"""A promise for writes that nothing can prove."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "write-promise-unproved"
SEVERITY = Severity.WARNING
TITLE = "a promise for writes that nothing can prove"
WHY = (
    "Whether an acknowledged write is lost is only known by writing and reading back. Without `ledger` no "
    "drill does that: the promise stays a sentence in a file, and its verdict is unknown."
)
SOURCE = "docs/drills.md, orders lost"
BAD = """\
objectives: {write: {rto: 5s, rpo: 0}}
"""
GOOD = """\
objectives: {write: {rto: 5s, rpo: 0}}
services:
  www:
    ledger: {put: shop-order, get: shop-orders}
"""
FIX = "Give the service that takes writes a `ledger`, or take the promise out."


def find(subject: Subject) -> Iterator[Hit]:
    services = subject.estate.services
    promised = subject.estate.objectives.write
    if (promised.rto is not None or promised.rpo is not None) and not any(
        s.ledger for s in services.values()
    ):
        yield Hit(("objectives", "write"), "writes are promised and no service has a `ledger`", _FIX)
    for name, service in services.items():
        own = service.objectives.write
        if (own.rto is not None or own.rpo is not None) and service.ledger is None:
            yield Hit(
                ("services", name, "objectives", "write"), f"{name} promises writes and has no `ledger`", _FIX
            )


_FIX = "add `ledger: {put: …, get: …}`: two commands of your own application"
