"""A redirect to plain http on a name of our own."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.checks.urls import owner, parsed

NAME = "redirect-over-http"
SEVERITY = Severity.WARNING
TITLE = "a redirect to plain http on a name of our own"
WHY = (
    "Port 80 only sends the client on to https: one more round trip, in which anybody on the way can read the "
    "URL and answer instead of us."
)
SOURCE = "RFC 6797, 2.3.1 (what an attacker on the way does with one request in the clear)"
BAD = """\
services:
  www:
    routes:
      - {path: /old/, redirect: "http://www.base.example/new/"}
      - {path: /api/, pool: api}
      - {pool: web}
"""
GOOD = """\
services:
  www:
    routes:
      - {path: /old/, redirect: "https://www.base.example/new/"}
      - {path: /api/, pool: api}
      - {pool: web}
"""
FIX = "Write `https://`."


def find(subject: Subject) -> Iterator[Hit]:
    for name, index, route in subject.routes():
        target = parsed(route.redirect)
        if target is not None and target.scheme == "http" and owner(subject, target):
            yield Hit(
                ("services", name, "routes", index, "redirect"),
                f"{target.hostname} is ours and answers on 443: port 80 sends the client on to https",
                "write `https://`",
            )
