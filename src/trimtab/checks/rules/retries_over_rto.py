"""Retries that take longer than the promised outage."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "retries-over-rto"
SEVERITY = Severity.WARNING
TITLE = "retries that take longer than the promised outage"
WHY = (
    "When members die silently, each attempt lasts `connect`. All of them together are longer than the "
    "outage that is promised, so a request that the last attempt saves has failed for its user all the "
    "same."
)
SOURCE = "HAProxy Configuration Manual 4.2, `retries`, `timeout connect`"
BAD = """\
objectives: {rto: 5s}
tiers:
  proxy: {timeouts: {connect: 2s, client: 30s, server: 30s}}
"""
GOOD = """\
objectives: {rto: 5s}
tiers:
  proxy: {timeouts: {connect: 150ms, client: 30s, server: 30s}}
"""
FIX = "Lower `connect`: inside a site 150ms is a thousand round trips. Or lower `retries`."


def find(subject: Subject) -> Iterator[Hit]:
    rto, connect = subject.strictest_rto(), subject.estate.tiers.proxy.timeouts.connect
    if rto is None:
        return
    slow = {name: pool for name, pool in subject.used_pools() if connect * (pool.retries + 1) > rto}
    if slow:
        name, pool = max(slow.items(), key=lambda item: item[1].retries)
        yield Hit(
            ("tiers", "proxy", "timeouts", "connect"),
            f"{pool.retries + 1} attempts of {duration_text(connect)} are {duration_text(connect * (pool.retries + 1))} "
            f"({name}), promised is an outage of {duration_text(rto)}",
            "lower `connect` to 150ms, or lower `retries`",
        )
