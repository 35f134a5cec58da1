"""A DNS answer that lives less than 30 seconds."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "dns-ttl-short"
SEVERITY = Severity.ERROR
TITLE = "a DNS answer that lives less than 30 seconds"
WHY = (
    "Mobile networks and large resolvers ask again for every name that has run out, and some keep answers "
    "longer than the TTL says. A shorter one multiplies the queries of everybody, in bursts when the "
    "network comes back, and moves few clients sooner."
)
SOURCE = (
    "RFC 1035, 3.2.1 (TTL); RFC 8767, 4 and 5 (30 s is what resolvers hand out and wait in trouble); "
    "field experience"
)
BAD = """\
edge:
  steering: {policy: distance, ttl: 10s}
"""
GOOD = """\
edge:
  steering: {policy: distance, ttl: 30s}
"""
FIX = (
    "Set `ttl` to 30s. What must move sooner is moved by BGP: a covering prefix in `edge.anycast` catches "
    "a lost site."
)


LEAST_S = 30.0


def find(subject: Subject) -> Iterator[Hit]:
    for loc, steering in subject.steerings():
        if steering.ttl < LEAST_S:
            more = LEAST_S / steering.ttl
            yield Hit(
                (*loc, "ttl"),
                f"answers live {duration_text(steering.ttl)}, the least is 30s: {more:.3g} times the queries, and in trouble "
                "resolvers wait 30s anyway",
                "set `ttl` to 30s and let a covering prefix catch a lost site",
            )
