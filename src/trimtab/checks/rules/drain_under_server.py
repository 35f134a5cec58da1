"""A reload cuts off what the proxy's own time-outs allow."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "drain-under-server"
SEVERITY = Severity.WARNING
TITLE = "a reload cuts off what the proxy's own time-outs allow"
WHY = (
    "After a reload the old worker finishes what is under way, for `drain` and no longer. A member that may be silent for "
    "`server` before it answers, or a WebSocket that may be for `tunnel`, is then cut off in the middle: by a change that "
    "does not name it, and with nginx every change of a membership is a reload."
)
SOURCE = (
    "HAProxy Configuration Manual 3.1, `hard-stop-after`; nginx, core module, `worker_shutdown_timeout`; "
    "jcmoraisjr/haproxy-ingress issue 865, openshift/router pull request 429"
)
BAD = """\
tiers:
  proxy: {timeouts: {server: 10m, client: 10m, drain: 1m}}
"""
GOOD = """\
tiers:
  proxy: {timeouts: {server: 10m, client: 10m, drain: 15m}}
"""
FIX = "Set `drain` to at least `server`, and to at least `tunnel` where that is written."


def find(subject: Subject) -> Iterator[Hit]:
    """`tunnel` counts where somebody wrote it: by itself it is an hour, and an idle WebSocket connects again."""
    times = subject.estate.tiers.proxy.timeouts
    promised = {"server": times.server}
    if "tunnel" in times.model_fields_set:
        promised["tunnel"] = times.tunnel
    key, longest = max(promised.items(), key=lambda each: each[1])
    if times.drain < longest:
        yield Hit(
            ("tiers", "proxy", "timeouts"),
            f"`drain` is {duration_text(times.drain)} and `{key}` {duration_text(longest)}: a reload cuts off what takes longer "
            "than the first",
            f"set `drain` to at least {duration_text(longest)}",
        )
