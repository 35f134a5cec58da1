"""Retries where every request changes something."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "retries-not-idempotent"
SEVERITY = Severity.ERROR
TITLE = "retries where every request changes something"
WHY = (
    "A POST that was sent may have been done though no answer came. Sent again it may be done twice: two "
    "orders, two payments. The proxies repeat only idempotent requests, so on such a route `retries` "
    "promises what does not happen, and another proxy would do harm by it."
)
SOURCE = "RFC 9110, 9.2.2 (idempotent methods); HAProxy Configuration Manual 4.2, `retry-on`"
BAD = """\
services:
  www:
    routes:
      - {method: [POST], pool: api}
      - {pool: web}
pools:
  api: {hosts: backend, port: 8081, check: {get: /api/health}, retries: 3}
"""
GOOD = """\
services:
  www:
    routes:
      - {method: [POST], pool: api}
      - {pool: web}
pools:
  api: {hosts: backend, port: 8081, check: {get: /api/health}, retries: 0}
"""
FIX = "Set `retries: 0`, and let the client repeat with an idempotency key."


REPEATABLE = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        methods = [set(route.method) for _, _, route in subject.routes_to[name]]
        if pool.retries and all(m and not m & REPEATABLE for m in methods):
            listed = ", ".join(sorted(set().union(*methods)))
            yield Hit(
                ("pools", name, "retries"),
                f"{name} gets only {listed}, which may not be repeated, and asks for {pool.retries} retries",
                "set `retries: 0`, and let clients repeat with an idempotency key",
            )
