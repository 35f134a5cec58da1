"""An accept queue shorter than the kernel's own default."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "somaxconn-small"
SEVERITY = Severity.WARNING
TITLE = "an accept queue shorter than the kernel's own default"
WHY = (
    "After a fail-over all clients of a site come within a second. What does not fit into the accept "
    "queue is dropped and tried again after a second by the client's kernel, which looks like a longer "
    "outage."
)
SOURCE = "listen(2); Linux 5.4 raised the default from 128 to 4096 for this reason"
BAD = """\
kernel: {somaxconn: 128}
"""
GOOD = """\
kernel: {somaxconn: 65535}
"""
FIX = "Set `kernel.somaxconn` to 65535."


LEAST = 4096


def find(subject: Subject) -> Iterator[Hit]:
    loc, queue = subject.setting("somaxconn", "net.core.somaxconn")
    if queue < LEAST:
        yield Hit(
            loc,
            f"{queue} connections wait to be accepted, the kernel's own default is {LEAST}: after a fail-over they come at once",
            f"set `{loc[-1]}` to 65535",
        )
