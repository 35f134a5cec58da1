"""Checks in doubt that come more rarely than checks in peace."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "fast-not-fast"
SEVERITY = Severity.WARNING
TITLE = "checks in doubt that come more rarely than checks in peace"
WHY = (
    "`fast` is the interval while a member's state is in doubt. Longer than `every`, it makes the proxy "
    "look less often exactly when it should look more often."
)
SOURCE = "HAProxy Configuration Manual 5.2, `fastinter`"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 1s, fast: 2s}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 1s, fast: 200ms}}
"""
FIX = "Set `fast` below `every`."


def find(subject: Subject) -> Iterator[Hit]:
    if not subject.engine.checks:
        return  # it learns from real requests
    for name, pool in subject.estate.pools.items():
        check = pool.check
        if check.fast > check.every:
            yield Hit(
                ("pools", name, "check"),
                f"{name} is checked every {duration_text(check.every)} in peace and every {duration_text(check.fast)} in doubt",
                "set `fast` below `every`",
            )
