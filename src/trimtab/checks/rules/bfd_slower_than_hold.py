"""BFD that needs longer than the hold timer it should be faster than."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "bfd-slower-than-hold"
SEVERITY = Severity.ERROR
TITLE = "BFD detects a dead neighbour later than the BGP hold timer does"
WHY = (
    "BFD exists to notice a dead neighbour before BGP's hold timer ends. If interval x multiplier is as long as the hold "
    "time, BFD never acts: every session pays for its packets and gains nothing."
)
SOURCE = "RFC 5880, 6.8.4 (detection time); RFC 5882; RFC 4271, 4.2 (hold time)"
BAD = """\
tiers:
  router: {bfd: 1500ms x 3, hold: 3s}
"""
GOOD = """\
tiers:
  router: {bfd: 100ms x 3, hold: 9s}
"""
FIX = "Lower `bfd` to `100ms x 3`, or leave `hold` at its default of 9s."


def find(subject: Subject) -> Iterator[Hit]:
    router = subject.estate.tiers.router
    if router.bfd.detection < router.hold:
        return
    needs, ends = f"{router.bfd.detection:g} s", f"{router.hold:g} s"
    yield Hit(
        ("tiers", "router", "bfd"),
        f"BFD needs {needs} ({router.bfd}), the hold timer ends after {ends}: BFD will never act",
        "lower `bfd` to 100ms x 3, or leave `hold` at its default",
    )
