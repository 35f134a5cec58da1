"""Where clients reach a site: at VIPs that its proxies share, or at a public address of each proxy (`front: none`).

A proxy serves at its own address. Where its public one is another, somebody in front translates: every port of the one to the
same port of the other and back, as clouds do (one-to-one NAT, RFC 3022).
"""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate.addressing import Family
from trimtab.estate.base import IPAddress
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece
from trimtab.estate.service import Service


def public_of(inventory: Inventory, host: Host, family: Family) -> IPAddress | None:
    """A proxy's own public address; None of any other host, and where clients come to VIPs."""
    if not (apiece(inventory, host.site) and host.does("vips")):
        return None
    found = inventory.lans.machine(host.site, host.group, host.number)
    return next((each for each in found[1].public if each.version == family), None) if found else None


def public_addresses(inventory: Inventory, site: str, family: Family) -> list[IPAddress]:
    """Those of the site's proxies, by their number."""
    found = (public_of(inventory, host, family) for host in inventory.front(site))
    return [each for each in found if each is not None]


def translated(inventory: Inventory, site: str, family: Family) -> Iterator[tuple[IPAddress, str]]:
    """(public address, the proxy's own) wherever they differ."""
    for host in inventory.front(site):
        public = public_of(inventory, host, family)
        if public is not None and str(public) != host.address(family):
            yield public, host.address(family)


def reached_at(inventory: Inventory, service: Service, site: str, family: Family) -> list[IPAddress]:
    """The addresses at which a site's clients ask for a service; any one of them will do."""
    if apiece(inventory, site):
        return public_addresses(inventory, site, family) if inventory.is_by_site(service) else []
    found = inventory.service_vips(service, family).get(site)
    return [] if found is None else [found]
