"""A pool whose `answer` is not shorter than `timeouts.server`."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "answer-over-server"
SEVERITY = Severity.WARNING
TITLE = "another member is asked no sooner than anyhow"
WHY = (
    "`answer` takes the place of the proxy's `server` for what may be repeated. As long as that or longer, a member "
    "that is silent costs a reader as much as before, or more, and what was meant to help does nothing."
)
SOURCE = "HAProxy Configuration Manual 4.2, `timeout server`, `http-request set-timeout`, `retry-on`"
BAD = """\
tiers:
  proxy: {timeouts: {connect: 150ms, client: 30s, server: 30s}}
pools:
  web: {hosts: backend, port: 8080, answer: 60s}
"""
GOOD = """\
tiers:
  proxy: {timeouts: {connect: 150ms, client: 30s, server: 30s}}
pools:
  web: {hosts: backend, port: 8080, answer: 2s}
"""
FIX = "Set `answer` to what the slowest page that matters takes, well below `server`, or leave it out."


def find(subject: Subject) -> Iterator[Hit]:
    server = subject.estate.tiers.proxy.timeouts.server
    for name, pool in subject.used_pools():
        if pool.answer is not None and pool.answer >= server:
            yield Hit(
                ("pools", name, "answer"),
                f"a silent member of {name} is given up after {duration_text(pool.answer)}, without `answer` after "
                f"{duration_text(server)}",
                f"set `answer` well below {duration_text(server)}",
            )
