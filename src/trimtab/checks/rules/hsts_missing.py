"""HTTPS without Strict-Transport-Security."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "hsts-missing"
SEVERITY = Severity.WARNING
TITLE = "HTTPS without Strict-Transport-Security"
WHY = (
    "The first request of a browser goes to port 80 in the clear, and whoever is between can answer "
    "instead of our redirect. With HSTS a browser that was here once never asks in the clear again."
)
SOURCE = "RFC 6797, 2.3 and 6.1"
BAD = """\
services:
  www:
    tls: {min: TLSv1.2}
"""
GOOD = """\
services:
  www:
    tls: {min: TLSv1.2, hsts: 1y}
"""
FIX = "Write `hsts: 1y`, after all names of the service answer by HTTPS."


def find(subject: Subject) -> Iterator[Hit]:
    for name, service in subject.estate.services.items():
        if not service.tls.hsts:
            yield Hit(
                ("services", name, "tls"),
                f"{name} sends no Strict-Transport-Security: a browser's first request goes in the clear every time",
                "write `tls: {hsts: 1y}`",
            )
