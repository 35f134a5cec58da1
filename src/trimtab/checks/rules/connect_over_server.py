"""Waiting longer for the connection than for the answer."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "connect-over-server"
SEVERITY = Severity.ERROR
TITLE = "waiting longer for the connection than for the answer"
WHY = (
    "`connect` bounds one attempt to reach a member of the same site: microseconds when it lives. As long "
    "as `server`, a dead member costs a client as much as the slowest page before anything is tried "
    "again."
)
SOURCE = "HAProxy Configuration Manual 4.2, `timeout connect`, `timeout server`"
BAD = """\
tiers:
  proxy: {timeouts: {connect: 30s, client: 30s, server: 30s}}
"""
GOOD = """\
tiers:
  proxy: {timeouts: {connect: 150ms, client: 30s, server: 30s}}
"""
FIX = "Set `connect` well below `server`: 150ms to 2s."


def find(subject: Subject) -> Iterator[Hit]:
    times = subject.estate.tiers.proxy.timeouts
    if times.connect >= times.server:
        yield Hit(
            ("tiers", "proxy", "timeouts"),
            f"`connect` is {duration_text(times.connect)} and `server` {duration_text(times.server)}: reaching a member may "
            "take as long as its answer",
            "set `connect` to 150ms to 2s",
        )
