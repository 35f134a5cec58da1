"""One upstream carries a site."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "one-upstream"
SEVERITY = Severity.WARNING
TITLE = "one upstream carries a site"
WHY = (
    "Its maintenance, its router and its fibre are the site's. With a second one BGP finds the other way "
    "by itself."
)
SOURCE = "RFC 4116, 3 (multihoming)"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64501, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
FIX = "Add a second upstream of another network, by another building entry."


def find(subject: Subject) -> Iterator[Hit]:
    for site in subject.fronts:
        upstreams = subject.estate.sites[site].upstreams
        networks = {u.asn for u in upstreams.values() if u.role == "transit"}
        if len(networks) != 1:
            continue
        transits = [u for u in upstreams.values() if u.role == "transit"]
        number = f"{len(transits)} upstreams of one network" if len(transits) > 1 else "one upstream"
        yield Hit(
            ("sites", site, "upstreams"),
            f"{site} has {number}, AS{networks.pop()}: with it gone, {site} is gone",
            "add an upstream of another network",
        )
