"""A site's endpoint: which services answer on which addresses."""

from __future__ import annotations

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Service


def addresses(inventory: Inventory, services: list[Service], site: str) -> list[str]:
    """Every address on which any site answers for the services, and those inside this one; IPv6 in brackets."""
    found = []
    for family in FAMILIES:
        every = {a for s in services for a in inventory.service_vips(s, family).values()}
        inside = set(inventory.internal_vips(site, family))
        every |= {a for s in services for a in s.internal if a in inside}
        found += [f"[{a}]" if family == 6 else str(a) for a in sorted(every, key=int)]
    return found
