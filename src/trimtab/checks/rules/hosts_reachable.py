"""Hosts inside a prefix that is announced."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES, Vlan
from trimtab.estate.fault import Loc
from trimtab.estate.peering import apiece
from trimtab.estate.special import within

NAME = "hosts-reachable"
SEVERITY = Severity.WARNING
TITLE = "hosts inside a prefix that is announced"
WHY = (
    "A network that lies in a prefix of ours is reached from the whole Internet, as a proxy with a public address of its own is "
    "(`front: none`), and so is every port of such hosts: "
    "HAProxy's peers and the metrics ask nobody for a password, BGP and the registry are open to whoever wants to fill "
    "them. This release renders no packet filter."
)
SOURCE = "RFC 9099, 2.1.5 and 3.1 (filters at the edge of IPv6 networks); `trimtab show --network`, flows"
BAD = """\
sites:
  one:
    public: [192.0.2.0/24]
    networks:
      rack: {groups: [backend], vlan: 320, prefixes: [192.0.2.128/26]}
"""
GOOD = """\
sites:
  one:
    public: [192.0.2.0/24]
    networks:
      rack: {groups: [backend], vlan: 320, prefixes: [10.20.31.0/24]}
"""
FIX = (
    "Give the hosts private addresses, or filter what comes from outside by what `trimtab show --network --table flows` lists, "
    "and accept this."
)


def find(subject: Subject) -> Iterator[Hit]:
    for site in subject.fronts:
        yield from _translated(subject, site)
        for vlan in subject.inventory.vlans(site):
            for family in FAMILIES if vlan.stated else ():
                net = vlan.network(family)
                around = [p for p in subject.inventory.announced(site, family) if within(net, p)]
                if vlan.is_stated(family) and around:
                    outer = max(around, key=lambda p: p.prefixlen)
                    yield Hit(
                        _at(subject, site, vlan, family),
                        f"{site}'s `{vlan.name}` {net} lies in {outer}, which is announced: each port of its hosts is open to everybody",
                        "private addresses, or a packet filter of yours, then accept this",
                    )


def _translated(subject: Subject, site: str) -> Iterator[Hit]:
    """Of a proxy with a public address of its own each port is there."""
    own = [host for host in subject.inventory.front(site) if apiece(subject.inventory, site)]
    for host in own[:1]:
        rest = f" and {len(own) - 1} more" if len(own) > 1 else ""
        yield Hit(
            ("sites", site, "machines", host.name, "public"),
            f"{host.name}{rest} of {site}: a public address leads to each port of its proxy, not to 80 and 443 alone",
            "let the cloud's packet filter pass what the flows list, then accept this",
        )


def _at(subject: Subject, site: str, vlan: Vlan, family: int) -> Loc:
    prefixes = subject.estate.sites[site].networks[vlan.name].prefixes
    index = next(i for i, prefix in enumerate(prefixes) if prefix.version == family)
    return ("sites", site, "networks", vlan.name, "prefixes", index)
