"""Networks that overlap."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.peering import link_networks
from trimtab.estate.prefix_faults import derived_networks, overlap

NAME = "networks-overlap"
SEVERITY = Severity.ERROR
TITLE = "networks that overlap"
WHY = (
    "Two networks with an address in common cannot both be reached: the longer prefix or the nearer "
    "interface wins, and the loser is silent. Public prefixes are compared when the file is read; this "
    "looks at the networks to upstreams. The twin takes ranges that nothing of the estate uses."
)
SOURCE = "RFC 4632, 5.1 (longest match); docs/estate.md, what is derived"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [10.1.48.17], password: env:BGP_ONE_A}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
"""
FIX = "Move one of them: `network.private` takes any /8, and an upstream can give another /29."


def find(subject: Subject) -> Iterator[Hit]:
    derived = [each for family in FAMILIES for each in derived_networks(subject.inventory, family)]
    for loc, net, what in _uplinks(subject):
        for other, whose in derived:
            if overlap(net, other):
                yield Hit(loc, f"{what} {net} overlaps {other}, {whose}", "move one of the two")


def _uplinks(subject: Subject) -> Iterator[tuple[Loc, IPNetwork, str]]:
    for site, declared in subject.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            for net in link_networks(subject.inventory, site, upstream):
                index = next((i for i, peer in enumerate(upstream.peer) if peer.version == net.version), 0)
                loc: Loc = ("sites", site, "upstreams", name, "peer", index)
                yield loc, net, f"{name}'s network"
