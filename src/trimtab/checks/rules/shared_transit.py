"""Every site hangs on one and the same network."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "shared-transit"
SEVERITY = Severity.WARNING
TITLE = "every site hangs on one and the same network"
WHY = (
    "A network that fails, leaks routes or black-holes a prefix does so in all its places at once. Three "
    "sites behind one carrier are one site in that hour."
)
SOURCE = "RFC 4116, 3 (multihoming); RFC 7908 (route leaks: how one network's fault spreads)"
BAD = """\
sites:
  one:
    upstreams: {isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}}
  two:
    upstreams: {isp-a: {asn: 64500, peer: [198.51.100.17], password: env:BGP_TWO_A}}
"""
GOOD = """\
sites:
  one:
    upstreams: {isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}}
  two:
    upstreams: {isp-b: {asn: 64501, peer: [198.51.100.17], password: env:BGP_TWO_B}}
"""
FIX = "Give at least one site an upstream of another network."


def find(subject: Subject) -> Iterator[Hit]:
    networks = {
        upstream.asn
        for site in subject.fronts
        for upstream in subject.estate.sites[site].upstreams.values()
        if upstream.role == "transit"
    }
    if len(subject.fronts) > 1 and len(networks) == 1:
        yield Hit(
            ("sites",),
            f"all {len(subject.fronts)} sites hang on AS{networks.pop()}: its bad hour takes all of them",
            "give at least one site an upstream of another network",
        )
