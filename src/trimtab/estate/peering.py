"""The BGP sessions of an estate with other networks, one value each: stated and derived addresses look the same from here on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface

from trimtab.estate.addressing import FAMILIES, Family, uplink_network
from trimtab.estate.base import IPAddress, IPInterface, IPNetwork
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Session:
    """One session. host: ours.  upstream: its name at the site.  local: our address, with the length of the network."""

    host: Host
    upstream: str
    declared: Upstream
    peer: IPAddress
    local: IPInterface

    @property
    def family(self) -> int:
        return self.peer.version

    @property
    def families(self) -> list[Family]:
        """Whose routes it carries: IPv4's in an IPv6 session too, where next hops may be of the other family (RFC 8950)."""
        return [
            f for f in FAMILIES if f == self.family or (self.family == 6 and self.declared.extended_next_hop)
        ]

    @property
    def network(self) -> IPNetwork:
        """That our address is in; the peer too, if it is next door."""
        return self.local.network


def on_every_link(address: IPAddress | IPNetwork) -> bool:
    """fe80::/10 is on every link; an IPv4 link-local network (RFC 3927) is one, and clouds number their sessions from it."""
    return address.version == 6 and address.is_link_local


def by_itself(inventory: Inventory, site: str) -> bool:
    """Does every host that holds the VIPs announce them itself? They stand on its `lo` then, and no VRRP moves them."""
    return inventory.estate.sites[site].front == "bgp"


def by_vrrp(inventory: Inventory, site: str) -> bool:
    """Does VRRP move the VIPs between the hosts that may hold them?"""
    return inventory.estate.sites[site].front == "router"


def apiece(inventory: Inventory, site: str) -> bool:
    """Has each host that clients come to a public address of its own? Nothing of ours moves or announces any then."""
    return inventory.estate.sites[site].front == "none"


def speakers(inventory: Inventory, site: str) -> list[Host]:
    """The hosts of a site that speak BGP with other networks."""
    if apiece(inventory, site):
        return []
    return inventory.front(site) if by_itself(inventory, site) else inventory.routers(site)


def speaks(inventory: Inventory, host: Host) -> bool:
    """Is it one of them?"""
    if apiece(inventory, host.site):
        return False
    return host.does("vips" if by_itself(inventory, host.site) else "gateway")


def switched(inventory: Inventory, site: str) -> bool:
    """Is the gateway of its networks somebody else's: a top-of-rack switch, a cloud?"""
    return not inventory.routers(site)


def sessions(inventory: Inventory, site: str) -> Iterator[Session]:
    """Of a site: by the upstream's name, then in the order of `peer`, then by host."""
    for name, upstream in sorted(inventory.estate.sites[site].upstreams.items()):
        for peer in upstream.peer:
            for host in speakers(inventory, site):
                local = local_address(inventory, upstream, peer, host)
                if local is not None:
                    yield Session(host, name, upstream, peer, local)


def local_address(
    inventory: Inventory, upstream: Upstream, peer: IPAddress, host: Host
) -> IPInterface | None:
    """Ours in the session of a host with a peer; None where it has none. In the hosts' own network it is the host's own."""
    if upstream.stated:
        return upstream.local_of(host.name, peer.version)
    if by_itself(inventory, host.site) and (own := own_network(host, peer)) is not None:
        return ip_interface(f"{host.address(own[0])}/{own[1].prefixlen}")
    return ip_interface(f"{peer + host.number}/{uplink_network(peer).prefixlen}")


def joined(inventory: Inventory, site: str) -> list[str]:
    """The sites that a private path leads to: it is between routers."""
    if switched(inventory, site):
        return []
    return [each for each in inventory.site_names() if each != site and not switched(inventory, each)]


def apart(inventory: Inventory, site: str) -> bool:
    """Are there other sites, and no private path to any?"""
    return switched(inventory, site) and len(inventory.site_names()) > 1


def own_network(host: Host, peer: IPAddress) -> tuple[Family, IPNetwork] | None:
    """The family and the network of the host that a peer stands in, as a top-of-rack switch does."""
    return next(((f, net) for f in FAMILIES if peer in (net := host.vlan.network(f))), None)


def link_networks(inventory: Inventory, site: str, upstream: Upstream) -> Iterator[IPNetwork]:
    """The networks between us and an upstream; one of the site's own, which its hosts and their switch stand in, is none."""
    if not upstream.stated:
        hosts = speakers(inventory, site) if by_itself(inventory, site) else []
        outside = [peer for peer in upstream.peer if not any(own_network(host, peer) for host in hosts[:1])]
        yield from map(uplink_network, outside)
        return
    stated = [*(upstream.local or ()), *(local for each in upstream.sessions.values() for local in each)]
    yield from dict.fromkeys(local.network for local in stated)
