"""Faults of public prefixes."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations

from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import link_networks, on_every_link

Problem = tuple[Loc, str, str]


def prefix_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every public prefix that cannot be."""
    for family in FAMILIES:
        owned = [(s, p) for s in inventory.site_names() if (p := inventory.public(s, family)) is not None]
        for (a, first), (b, second) in combinations(owned, 2):
            if overlap(first, second):
                yield (
                    ("sites", b, "public"),
                    f"{second} overlaps {a}'s {first}",
                    "each site announces prefixes of its own",
                )
        public = [(("sites", s, "public"), p) for s, p in owned]
        public += [(("edge", "anycast", "prefixes"), p) for p in inventory.anycast(family)]
        private = private_networks(inventory, family)
        for loc, prefix in public:
            for other, what in private:
                if overlap(prefix, other):
                    yield loc, f"{prefix} overlaps {other}, {what}", "public prefixes only"
            if prefix.is_loopback or prefix.is_multicast or prefix.is_link_local:
                yield loc, f"{prefix} is no public prefix", "a prefix that the Internet carries"
        for site, prefix in owned:
            if inventory.front(site) and not inventory.carries(site, family) and inventory.estate.services:
                yield (
                    ("sites", site, "public"),
                    f"no upstream of {site} carries {prefix}",
                    (f"add an IPv{family} address to an upstream's `peer`, or take the prefix out"),
                )


def derived_networks(inventory: Inventory, family: Family) -> list[tuple[IPNetwork, str]]:
    """Where addresses are derived, as far as any are."""
    found = [(ip_network("172.16.0.0/12"), "the links between sites")] if family == 4 else []
    if not inventory.derives(family):
        return found
    private = str(inventory.estate.network.private) if family == 4 else "fd00::/16"
    return [(ip_network(private), "the private network"), *found]


def private_networks(inventory: Inventory, family: Family) -> list[tuple[IPNetwork, str]]:
    """Networks that no public prefix may touch."""
    found = derived_networks(inventory, family)
    for site in inventory.site_names():
        for upstream in inventory.estate.sites[site].upstreams.values():
            for net in link_networks(inventory, site, upstream):
                if net.version == family and not on_every_link(net):
                    found.append((net, f"{site}'s link to an upstream"))
    return found


def overlap(a: IPNetwork, b: IPNetwork) -> bool:
    """Have they an address in common?"""
    if a.version != b.version:
        return False
    return int(a.network_address) <= int(b.broadcast_address) and int(b.network_address) <= int(
        a.broadcast_address
    )
