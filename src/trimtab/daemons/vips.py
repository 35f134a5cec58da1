"""A site's endpoint: which services answer on which addresses."""

from __future__ import annotations

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece
from trimtab.estate.reached import public_of
from trimtab.estate.service import Service


def served(inventory: Inventory, service: Service, site: str) -> bool:
    """Do clients of the site ask for it there? Who has no address for all sites has none of an anycast service."""
    return not apiece(inventory, site) or inventory.is_by_site(service)


def addresses(inventory: Inventory, services: list[Service], host: Host) -> list[str]:
    """Where a proxy listens for the services: every address on which any site answers for them, and those inside its own; its
    own one where clients come to each proxy apart. IPv6 in brackets.
    """
    site, found = host.site, list[str]()
    if apiece(inventory, site):
        own = [
            f for f in FAMILIES if public_of(inventory, host, f) and any(map(inventory.is_by_site, services))
        ]
        return [f"[{host.v6}]" if family == 6 else host.v4 for family in own]
    for family in FAMILIES:
        every = {a for s in services for a in inventory.service_vips(s, family).values()}
        inside = set(inventory.internal_vips(site, family))
        every |= {a for s in services for a in s.internal if a in inside}
        found += [f"[{a}]" if family == 6 else str(a) for a in sorted(every, key=int)]
    return found
