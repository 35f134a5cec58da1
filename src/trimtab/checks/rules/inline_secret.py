"""A secret written into the file."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.secrets import looks_like

NAME = "inline-secret"
SEVERITY = Severity.ERROR
TITLE = "a secret written into the file"
WHY = (
    "The file is read by everybody who reviews it, copied into every clone and printed in logs, and a "
    "secret that was in a repository once is there for ever. Keys of the estate that take a secret refuse "
    "a value; this looks at everything else, commands and URLs above all."
)
SOURCE = "OWASP Secrets Management Cheat Sheet; RFC 3986, 3.2.1 (user:password in a URL is deprecated)"
BAD = """\
services:
  www:
    ledger: {put: shop-order --password hunter2hunter2, get: shop-orders}
"""
GOOD = """\
services:
  www:
    ledger: {put: shop-order, get: shop-orders}
"""
FIX = (
    "Take it out, change it wherever it is valid, and let the program read it from its environment or a file."
)


def find(subject: Subject) -> Iterator[Hit]:
    for loc, text in subject.scalars():
        what = looks_like(text, prose=loc[-1] == "reason")
        if what is not None:
            yield Hit(
                loc,
                f"what is written here looks like {what}; it is not shown",  # the report is read by many too
                "take it out, change it where it is valid, and use `env:NAME` or `file:PATH`",
            )
