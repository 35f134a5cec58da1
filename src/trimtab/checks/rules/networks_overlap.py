"""Networks that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import uplink_network
from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.prefix_faults import overlap

NAME = "networks-overlap"
SEVERITY = Severity.ERROR
TITLE = "networks that overlap"
WHY = (
    "Two networks with an address in common cannot both be reached: the longer prefix or the nearer "
    "interface wins, and the loser is silent. Public prefixes are compared when the file is read; this "
    "looks at the networks to upstreams and the ranges that the twin uses."
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


# What the twin is made of (docs/twin.md): its transits and its clients.
TWIN = (ip_network("100.64.0.0/10"), ip_network("198.19.0.0/16"), ip_network("2001:db8:fe00::/40"))


def find(subject: Subject) -> Iterator[Hit]:
    private = ip_network(str(subject.estate.network.private))
    derived = (
        (private, "the private network"),
        (ip_network("172.16.0.0/12"), "the links between sites"),
        (ip_network("fd00::/16"), "the private network"),
    )
    for loc, net, what in _networks(subject):
        taken = [*derived] if loc[-2:-1] == ("peer",) else []
        taken += [(range_, "a range of the twin") for range_ in TWIN]
        for other, whose in taken:
            if overlap(net, other):
                yield Hit(loc, f"{what} {net} overlaps {other}, {whose}", "move one of the two")


def _networks(subject: Subject) -> Iterator[tuple[Loc, IPNetwork, str]]:
    for site, declared in subject.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            for index, peer in enumerate(upstream.peer):
                yield (
                    ("sites", site, "upstreams", name, "peer", index),
                    uplink_network(peer),
                    f"{name}'s network",
                )
        for prefix in declared.public:
            yield ("sites", site, "public"), prefix, f"{site}'s"
    for index, prefix in enumerate(
        subject.estate.edge.anycast.prefixes if subject.estate.edge.anycast else ()
    ):
        yield ("edge", "anycast", "prefixes", index), prefix, "the anycast prefix"
