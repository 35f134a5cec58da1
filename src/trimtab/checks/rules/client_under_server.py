"""The client's time-out ends before the server's."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "client-under-server"
SEVERITY = Severity.WARNING
TITLE = "the client's time-out ends before the server's"
WHY = (
    "The proxy gives up on a client that waits in silence while it would still wait for the member. The "
    "answer arrives to nobody, the member has done the work, and the logs blame the client."
)
SOURCE = "HAProxy Configuration Manual 4.2, `timeout client` (it should equal `timeout server`)"
BAD = """\
tiers:
  proxy: {timeouts: {connect: 150ms, client: 10s, server: 30s}}
"""
GOOD = """\
tiers:
  proxy: {timeouts: {connect: 150ms, client: 30s, server: 30s}}
"""
FIX = "Set `client` to at least `server`."


def find(subject: Subject) -> Iterator[Hit]:
    times = subject.estate.tiers.proxy.timeouts
    if times.client < times.server:
        yield Hit(
            ("tiers", "proxy", "timeouts"),
            f"`client` is {duration_text(times.client)} and `server` {duration_text(times.server)}: an answer that takes "
            "longer than the first arrives to nobody",
            "set `client` to at least `server`",
        )
