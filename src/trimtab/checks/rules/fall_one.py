"""One failed check takes a member out."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "fall-one"
SEVERITY = Severity.ERROR
TITLE = "a single failed check takes a member out"
WHY = (
    "One lost packet, one slow garbage collection or one reload is enough, and the member's load falls on the others, "
    "which then answer slowly and fail their checks too. Members flap and a small disturbance becomes an outage."
)
SOURCE = "HAProxy Configuration Manual 5.2, `fall` (default 3); our drills run with 3"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, fall: 1}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, check: {get: /health, fall: 3}}
"""
FIX = "Set `fall` to 3. If members must leave sooner, lower `every` and `fast`: two failures in a row are a fact."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.estate.pools.items():
        if pool.check.fall == 1:
            yield Hit(
                ("pools", name, "check", "fall"),
                f"one failed check ends a member of {name}: a lost packet every {pool.check.every:g} s is enough",
                "set `fall` to 3, and lower `every` if members must leave sooner",
            )
