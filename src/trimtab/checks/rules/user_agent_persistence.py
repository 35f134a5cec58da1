"""Persistence by the User-Agent header."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "user-agent-persistence"
SEVERITY = Severity.ERROR
TITLE = "persistence by the User-Agent header"
WHY = (
    "Millions of clients send the same few values, so one member gets nearly everybody and the others "
    "nothing; and a browser that updates itself lands on another member and loses its session. It neither "
    "balances nor persists."
)
SOURCE = "HAProxy Configuration Manual 4.2, `balance hdr(<name>)`; RFC 9110, 10.1.5"
BAD = """\
pools:
  web: {hosts: backend, port: 8080, balance: header, header: User-Agent, check: {get: /health}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, balance: source, check: {get: /health}}
"""
FIX = "Balance by `source`, or by a header that names the session."


SHARED = {"user-agent", "accept", "accept-encoding", "accept-language", "host", "connection"}


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.estate.pools.items():
        if pool.header and pool.header.lower() in SHARED:
            yield Hit(
                ("pools", name, "header"),
                f"{name} picks the member by {pool.header}, which most clients send alike: one member gets most of them",
                "use `balance: source`, or a header that names the session",
            )
