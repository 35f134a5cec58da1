"""Addresses, VLANs, VRIDs and numbers: pure functions of the stable numbers in the file.

Nothing depends on a position, so adding, sorting or deleting other entries moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from trimtab.estate.base import IPAddress, IPNetwork

Family = Literal[4, 6]
FAMILIES: tuple[Family, Family] = (4, 6)

MAX_HOSTS_A_GROUP = 240
MAX_ROUTERS = 8
VRID_FRONT, VRID_GATEWAY = 51, 53
GATEWAY = 9  # of every network, see Vlan.host
CARRIER = 250  # the last octet of what the proxies advertise by VRRP; hosts end at 249

# Ports of what Trimtab itself puts on a host; frozen.
PORTS = {
    "front-health": 8404,
    "etcd-client": 2379,
    "etcd-peer": 2380,
    "prometheus-haproxy": 8405,
    "haproxy-peers": 8406,
    "agent-metrics": 8407,
    "front-answer": 8408,
    "across": 8443,
    "etcd-metrics": 2381,
    "etcd-registry-metrics": 2382,
    "estate-client": 2383,
    "estate-peer": 2384,
    "etcd-estate-metrics": 2385,
}


@dataclass(frozen=True, slots=True)
class Stated:
    """What the file says of a network. number: its VLAN; None for one without a tag, or that nothing says.

    v4, v6, gateway4, gateway6: None where the file says nothing.
    """

    name: str
    number: int | None
    interface: str
    v4: IPv4Network | None = None
    v6: IPv6Network | None = None
    gateway4: IPAddress | None = None
    gateway6: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class Vlan:
    """One network of a site: the hosts of one group, or of those that the file puts there. octet = 16 x role + group id."""

    site_id: int
    octet: int
    group: str
    first: int = 10
    stated: Stated | None = None

    @property
    def id(self) -> int | None:
        return self.stated.number if self.stated else 100 + self.octet

    @property
    def interface(self) -> str:
        """Name of the interface in this network, on routers and hosts alike."""
        return self.stated.interface if self.stated else f"vlan{self.id}"

    @property
    def name(self) -> str:
        """Its own in the site."""
        return self.stated.name if self.stated else self.interface

    @property
    def v4(self) -> IPv4Network:
        stated = self.stated.v4 if self.stated else None
        return stated or IPv4Network(f"{self.first}.{self.site_id}.{self.octet}.0/24")

    @property
    def v6(self) -> IPv6Network:
        stated = self.stated.v6 if self.stated else None
        return stated or IPv6Network(f"fd00:{self.site_id:x}:{self.octet:x}::/64")

    def host(self, family: Family, number: int) -> IPAddress:
        """`.number`: 1 to 8 are routers, 9 the gateway, hosts 10 to 249, CARRIER moves with the VIPs."""
        return self.network(family)[number]

    def network(self, family: Family) -> IPNetwork:
        return self.v4 if family == 4 else self.v6

    def is_stated(self, family: Family) -> bool:
        """Does the file say its prefix?"""
        return self.stated is not None and (self.stated.v4 if family == 4 else self.stated.v6) is not None

    def stated_gateway(self, family: Family) -> IPAddress | None:
        return (self.stated.gateway4 if family == 4 else self.stated.gateway6) if self.stated else None

    def carrier(self, vrid: int) -> IPAddress:
        """What VRRP advertises here. A network as it is may have no address to spare: there it is a link-local one (RFC 3927)."""
        return IPv4Address(f"169.254.{vrid}.1") if self.is_stated(4) else self.host(4, CARRIER)

    def gateway(self, family: Family, routers: int) -> IPAddress:
        """The only router, or the VRRP address of several."""
        return self.host(family, 1 if routers == 1 else GATEWAY)


def octet(role_number: int, group_id: int) -> int:
    return 16 * role_number + group_id


def site_aggregate(family: Family, site_id: int, first: int = 10) -> IPNetwork:
    """Everything private of a site, as the other sites learn it."""
    if family == 4:
        return IPv4Network(f"{first}.{site_id}.0.0/16")
    return IPv6Network(f"fd00:{site_id:x}::/32")


def anchor(family: Family, site_id: int, first: int = 10) -> IPAddress:
    """The address that every healthy proxy of a site announces to its routers."""
    return IPv4Address(f"{first}.{site_id}.255.1") if family == 4 else IPv6Address(f"fd00:{site_id:x}:ff::1")


def spare_anchor(family: Family, site_id: int, first: int = 10) -> IPAddress:
    """In its place while a proxy that announces by itself is drained: then it is the last to be chosen."""
    return anchor(family, site_id, first) + 1


def default_public(site_id: int) -> tuple[IPNetwork, IPNetwork]:
    """Lab ranges (RFC 2544, RFC 3849) for a site that states no prefix of its own."""
    return IPv4Network(f"198.18.{site_id}.0/24"), IPv6Network(f"2001:db8:{site_id:x}::/48")


def vip(prefix: IPNetwork, number: int) -> IPAddress:
    """VIP `number` of a prefix: `.9 + number`, `::(9 + number)`."""
    return prefix[9 + number]


def private_link(family: Family, a: int, b: int) -> tuple[IPNetwork, IPAddress, IPAddress]:
    """Network between the first routers of sites a and b, then the address of a and of b."""
    low, high = sorted((a, b))
    if family == 4:
        base = IPv4Address("172.16.0.0") + (low * 256 + high) * 4
        net: IPNetwork = IPv4Network(f"{base}/30")
    else:
        net = IPv6Network(f"fd00:0:{low:x}:{high:x}::/126")
    ends = (net[1], net[2])
    return (net, ends[0], ends[1]) if a < b else (net, ends[1], ends[0])


def uplink_network(peer: IPAddress) -> IPNetwork:
    """The /29 or /125 that an upstream's peer address lies in."""
    if peer.version == 4:
        return IPv4Network(f"{peer}/29", strict=False)
    return IPv6Network(f"{peer}/125", strict=False)
