"""Which addresses the Internet of the twin has: those that nothing of the estate uses.

The estate's addresses are what is to be tried, and many of them are somebody else's to give; the twin's own are not. The
first choices are ranges that no estate announces; after them comes any other, because a twin is connected to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import combinations

from trimtab.errors import BadInput
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPNetwork
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import link_networks
from trimtab.estate.prefix_faults import overlap
from trimtab.estate.reached import public_addresses

# Special ranges first (RFC 6598, RFC 2544, RFC 1918), then what is left between the octets that hosts are in.
POOL4 = (
    "100.64.0.0/10",
    "198.18.0.0/15",
    "192.168.0.0/16",
    *(f"{n}.0.0.0/8" for n in (*range(11, 127), *range(128, 172))),
)
UNIQUE_LOCAL = tuple(f"fd{n:02x}::/16" for n in range(0x64, 0x100))
# Where peers tell us of their customers: addresses that no filter takes for anything but the Internet's.
ROUTED4 = tuple(f"{n}.0.0.0/8" for n in range(11, 100))
ROUTED6 = ("2a10::/16", "2a11::/16")
DOCUMENTED = (*(f"2001:db8:{n:x}00::/40" for n in range(0xFE, 0, -1)), "3fff:0:fe00::/40")


@dataclass(frozen=True, slots=True)
class Ranges:
    """mesh: between transits, four addresses a pair.  access: between transits and regions, a /24 each.  clients: where
    requests come from, a /24 (IPv6 /48) a region.
    """

    mesh4: IPv4Network
    access4: IPv4Network
    clients4: IPv4Network
    mesh6: IPv6Network
    access6: IPv6Network
    clients6: IPv6Network

    def peering(self, pair: int, a: int, b: int) -> tuple[IPv4Address, IPv6Address]:
        """First address of the network between the transits a and b; pair: their number among all pairs."""
        return self.mesh4[0] + 4 * pair, self.mesh6[0] + ((a << 80) | (b << 64))


def choose(inventory: Inventory, transits: int) -> Ranges:
    """The first ranges that are free. Raises BadInput for an estate that leaves none."""
    taken = list(_taken(inventory))

    def pick(length: int, *pools: str) -> IPNetwork:
        found = _free(taken, length, pools)
        taken.append(found)
        return found

    peers = any(up.role != "transit" for s in inventory.estate.sites.values() for up in s.upstreams.values())
    size = min(16, 32 - max(2, (4 * transits * transits - 1).bit_length()))
    return Ranges(
        mesh4=IPv4Network(pick(size, *POOL4)),
        access4=IPv4Network(pick(16, "100.126.0.0/16", *POOL4)),
        clients4=IPv4Network(pick(16, *(ROUTED4 if peers else ("198.19.0.0/16", *POOL4)))),
        mesh6=IPv6Network(pick(16, *UNIQUE_LOCAL)),
        access6=IPv6Network(pick(16, *UNIQUE_LOCAL)),
        clients6=IPv6Network(pick(40, *(ROUTED6 if peers else DOCUMENTED))),
    )


def foreign(inventory: Inventory, chosen: Ranges) -> tuple[IPNetwork, ...]:
    """A prefix of each family that belongs to nobody in the twin, where no filter takes it for anything but the Internet's."""
    taken = [*_taken(inventory), *(getattr(chosen, each.name) for each in fields(chosen))]
    return _free(taken, 24, tuple(reversed(ROUTED4))), _free(taken, 48, tuple(reversed(ROUTED6)))


def _free(taken: list[IPNetwork], length: int, pools: tuple[str, ...]) -> IPNetwork:
    for pool in map(ip_network, pools):
        if pool.prefixlen > length:
            continue
        for found in pool.subnets(new_prefix=length):
            if not any(overlap(found, other) for other in taken):
                return found
    raise BadInput(
        f"the estate leaves no /{length} free for the Internet of its twin",
        "no estate needs that much: announce fewer or longer prefixes",
    )


def _taken(inventory: Inventory) -> Iterator[IPNetwork]:
    """Everything of the estate, derived addresses included."""
    yield ip_network(str(inventory.estate.network.private))
    yield from map(ip_network, ("172.16.0.0/12", "fd00::/16"))
    yield from inventory.stated_networks
    for a, b in combinations(inventory.site_names(), 2):
        yield from (inventory.path(family, a, b)[0] for family in FAMILIES if inventory.estate.links)
    for site, declared in inventory.estate.sites.items():
        for upstream in declared.upstreams.values():
            yield from link_networks(inventory, site, upstream)
            yield from (ip_network(str(peer)) for peer in upstream.peer)
        yield from (prefix for family in FAMILIES if (prefix := inventory.public(site, family)) is not None)
    for family in FAMILIES:
        yield from inventory.anycast(family)
        for site in inventory.site_names():
            yield from (ip_network(str(each)) for each in public_addresses(inventory, site, family))
    for pool in inventory.estate.pools.values():
        yield from (ip_network(str(member.address)) for member in pool.members or ())
