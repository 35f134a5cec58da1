"""A check that may take longer than the time between two."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "check-timeout-long"
SEVERITY = Severity.WARNING
TITLE = "a check that may take longer than the time between two"
WHY = (
    "The next check then waits for the last, so a silent member is noticed after fall x timeout, not "
    "after fall x every as the file says."
)
SOURCE = "HAProxy Configuration Manual 4.2, `timeout check`; 5.2, `inter`"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 1s, timeout: 3s}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, every: 3s, timeout: 1s}}
"""
FIX = "Set `timeout` to at most `every`."


def find(subject: Subject) -> Iterator[Hit]:
    if not subject.engine.checks:
        return  # it learns from real requests
    for name, pool in subject.estate.pools.items():
        check = pool.check
        if check.timeout > check.every:
            yield Hit(
                ("pools", name, "check"),
                f"a check of {name} may take {duration_text(check.timeout)} and should run every {duration_text(check.every)}: "
                f"a silent member leaves after {duration_text(check.fall * check.timeout)}, not "
                f"{duration_text(check.fall * check.every)}",
                "set `timeout` to at most `every`",
            )
