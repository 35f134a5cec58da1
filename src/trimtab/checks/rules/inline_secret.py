"""A secret written into the file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

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


# What stands before a secret, and the forms that are one by themselves; a reference or a variable is none.
PATTERNS = (
    (r"://[^/\s:@]+:(?!\$|env:|file:)[^/\s@]+@", "a URL with a password"),
    (
        r"(?i)(?:pass(?:word|wd)?|secret|token|api[_-]?key)[=:]\s*(?!\$|env:|file:|sops:|age:)\S{4,}",
        "a password",
    ),
    (r"(?i)--?(?:pass(?:word|wd)?|secret|token|api-?key)[ =](?!\$|env:|file:|-)\S{4,}", "a password option"),
    (r"(?i)\bbearer [a-z0-9._~+/-]{16,}", "a bearer token"),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
    (r"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key"),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}", "a signed web token"),
)
COMPILED = tuple((re.compile(pattern), what) for pattern, what in PATTERNS)


def find(subject: Subject) -> Iterator[Hit]:
    for loc, text in subject.scalars():
        what = next((what for pattern, what in COMPILED if pattern.search(text)), None)
        if what is not None:
            yield Hit(
                loc,
                f"what is written here looks like {what}; it is not shown",  # the report is read by many too
                "take it out, change it where it is valid, and use `env:NAME` or `file:PATH`",
            )
