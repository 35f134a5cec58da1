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


SHORT_S = 0.15  # a thousand round trips inside a site


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
            _advice(connect, pool.retries, rto),
        )


def _advice(connect: float, retries: int, rto: float) -> str:
    """What makes all attempts fit: a shorter `connect`, fewer of them, or both."""
    short = min(connect, SHORT_S)
    most = int(rto / short + 1e-9) - 1  # how many retries fit
    lower = "lower `connect` to 150ms" if connect > SHORT_S else ""
    if most < 0:
        return f"promise at least {duration_text(short)}: one attempt alone takes that long"
    if most < retries:
        return f"{lower} and `retries` to {most}" if lower else f"lower `retries` to {most}"
    return f"{lower}, or lower `retries`"
