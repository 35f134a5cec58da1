"""A check that takes an error for health."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "check-accepts-errors"
SEVERITY = Severity.ERROR
TITLE = "a check that takes an error for health"
WHY = (
    "A member that answers 404 or 500 to its own health page is not well, or the page is not there. "
    "Counting that as healthy means that the check can no longer fail."
)
SOURCE = "RFC 9110, 15.5 and 15.6"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, expect: [200, 404]}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, expect: [200, 204]}}
"""
FIX = "List only codes below 400, and check a page that exists."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.estate.pools.items():
        errors = [code for code in pool.check.expect if code >= 400]
        if errors:
            yield Hit(
                ("pools", name, "check", "expect"),
                f"{' and '.join(map(str, errors))} from {pool.check.get or pool.check.head or 'the check'} counts as healthy",
                "list only codes below 400; a page that wants a query may have it, `get: /ready?all=1`",
            )
