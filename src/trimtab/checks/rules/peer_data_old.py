"""Prefix lists and limits of peers that were written down more than 30 days ago."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.peer_data import OLDEST_S
from trimtab.checks.subject import Subject

NAME = "peer-data-old"
SEVERITY = Severity.WARNING
TITLE = "Prefix lists and limits of peers that are older than 30 days"
WHY = (
    "Networks get prefixes and give some away. By an old list a new prefix of the peer is refused, one that it has sold is still "
    "taken from it, and a limit that was right a year ago ends the session on the day on which the peer outgrows it."
)
SOURCE = "RFC 7454, 6.1.2.1 (filters made from the IRR have to be renewed regularly; of 8, limits reviewed)"
BAD = """\
sites:
  two:
    upstreams:
      isp-c: {asn: 64502, peer: [198.51.100.17], password: env:BGP_TWO_C, peeringdb: {file: bad.json}}
"""
GOOD = """\
sites:
  two:
    upstreams:
      isp-c: {asn: 64502, peer: [198.51.100.17], password: env:BGP_TWO_C, peeringdb: {file: good.json}}
"""
FIX = (
    "Make the file anew before each check, by the timer or pipeline that runs it: `bgpq4 -j AS-SET`, or PeeringDB's /api/net. "
    "Trimtab fetches nothing by itself."
)


def find(subject: Subject) -> Iterator[Hit]:
    for each in subject.peer_data:
        if each.age_s > OLDEST_S:
            yield Hit(
                each.loc,
                f"{each.name} was made {int(each.age_s // 86_400)} days ago, 30 are the limit",
                "make it anew: `bgpq4 -j` and PeeringDB's /api/net give it",
            )
