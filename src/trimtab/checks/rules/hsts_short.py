"""An HSTS time that runs out between two visits."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "hsts-short"
SEVERITY = Severity.WARNING
TITLE = "an HSTS time that runs out between two visits"
WHY = (
    "The browser forgets when the time is over. Somebody who comes once a quarter is in the clear each "
    "time, and preload lists take nothing under a year."
)
SOURCE = "RFC 6797, 11.2; hstspreload.org (31,536,000 s)"
BAD = """\
services:
  www:
    tls: {hsts: 1d}
"""
GOOD = """\
services:
  www:
    tls: {hsts: 1y}
"""
FIX = "Write `hsts: 1y`; begin with a day only while you try it."


LEAST_S = 180 * 86400


def find(subject: Subject) -> Iterator[Hit]:
    for name, service in subject.estate.services.items():
        if service.tls.hsts and service.tls.hsts < LEAST_S:
            yield Hit(
                ("services", name, "tls", "hsts"),
                f"browsers forget after {duration_text(service.tls.hsts)}, the least is {duration_text(LEAST_S)}",
                "write `hsts: 1y`",
            )
