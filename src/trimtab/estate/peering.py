"""The BGP sessions of an estate with other networks, one value each: stated and derived addresses look the same from here on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface

from trimtab.estate.addressing import uplink_network
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
    def network(self) -> IPNetwork:
        """That our address is in; the peer too, if it is next door."""
        return self.local.network


def on_every_link(address: IPAddress | IPNetwork) -> bool:
    """fe80::/10 is on every link; an IPv4 link-local network (RFC 3927) is one, and clouds number their sessions from it."""
    return address.version == 6 and address.is_link_local


def speakers(inventory: Inventory, site: str) -> list[Host]:
    """The hosts of a site that speak BGP with other networks."""
    return inventory.routers(site)


def sessions(inventory: Inventory, site: str) -> Iterator[Session]:
    """Of a site: by the upstream's name, then in the order of `peer`, then by host."""
    for name, upstream in sorted(inventory.estate.sites[site].upstreams.items()):
        for peer in upstream.peer:
            for host in speakers(inventory, site):
                local = local_address(upstream, peer, host)
                if local is not None:
                    yield Session(host, name, upstream, peer, local)


def local_address(upstream: Upstream, peer: IPAddress, host: Host) -> IPInterface | None:
    """Ours in the session of a host with a peer; None where it has none."""
    if upstream.stated:
        return upstream.local_of(host.name, peer.version)
    return ip_interface(f"{peer + host.number}/{uplink_network(peer).prefixlen}")


def link_networks(upstream: Upstream) -> Iterator[IPNetwork]:
    """The networks between us and an upstream."""
    if not upstream.stated:
        yield from map(uplink_network, upstream.peer)
        return
    stated = [*(upstream.local or ()), *(local for each in upstream.sessions.values() for local in each)]
    yield from dict.fromkeys(local.network for local in stated)
