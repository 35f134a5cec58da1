"""Timers so short that our own prefixes flap and are dampened."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "flap-dampening"
SEVERITY = Severity.ERROR
TITLE = "timers so short that our own prefixes flap and are dampened"
WHY = (
    "A session that goes down for one lost packet takes the prefixes with it and brings them back a "
    "second later. Networks that dampen flaps hold each one against us: three in a quarter of an hour are "
    "enough with old defaults, and then they carry the prefix again only after up to an hour, however "
    "healthy it is."
)
SOURCE = (
    "RFC 2439; RFC 7196 and RIPE-580 (suppress at 6,000, a flap costs 1,000; old defaults at 2,000 are "
    "still in use); RFC 5880, 6.8.4"
)
BAD = """\
tiers:
  router: {bfd: 20ms x 2}
"""
GOOD = """\
tiers:
  router: {bfd: 100ms x 3}
"""
FIX = "Use `100ms x 3`. Three packets and 150 ms are what a path over other people's networks needs."


LEAST_S = 0.15
LEAST_PACKETS = 3


def find(subject: Subject) -> Iterator[Hit]:
    timer = subject.estate.tiers.router.bfd
    upstreams = sum(bool(u.bfd) for s in subject.estate.sites.values() for u in s.upstreams.values())
    if not upstreams or (timer.multiplier >= LEAST_PACKETS and timer.detection >= LEAST_S):
        return
    yield Hit(
        ("tiers", "router", "bfd"),
        f"{timer} ends {upstreams} upstream session{'s' if upstreams > 1 else ''} after {timer.multiplier} packets and "
        f"{duration_text(timer.detection)} of silence: each time our prefixes flap; the least is 3 packets and 150ms",
        "set `bfd` to 100ms x 3: the third flap can cost an hour where others dampen",
    )
