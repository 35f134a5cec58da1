"""A proxy that returns takes the addresses back while writes are promised."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "preempt-breaks-writes"
SEVERITY = Severity.WARNING
TITLE = "a proxy that returns takes the addresses back while writes are promised"
WHY = (
    "With `preempt` the first proxy takes the addresses back as soon as it is healthy. Every connection "
    "and every write under way breaks a second time, though the other proxy served well."
)
SOURCE = 'RFC 5798, 6.4.2 (Preempt_Mode); docs/design.md, "The shop does not preempt"'
BAD = """\
objectives: {write: {rto: 5s}}
vrrp: {preempt: true}
"""
GOOD = """\
objectives: {write: {rto: 5s}}
vrrp: {preempt: false}
"""
FIX = "Write `preempt: false`."


def find(subject: Subject) -> Iterator[Hit]:
    promised = any(o.write.rto is not None or o.write.rpo is not None for _, _, o in subject.promises())
    if promised and subject.estate.vrrp.preempt and max(subject.fronts.values(), default=0) > 1:
        yield Hit(
            ("vrrp", "preempt"),
            "writes are promised, and one fault breaks those under way twice: when a proxy fails and when it returns",
            "write `preempt: false`",
        )
