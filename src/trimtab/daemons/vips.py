"""A site's endpoint: which services answer on which addresses."""

from __future__ import annotations

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Service


def by_number(inventory: Inventory) -> dict[int, list[tuple[str, Service]]]:
    """VIP number → its services, by name."""
    found: dict[int, list[tuple[str, Service]]] = {}
    for name, service in sorted(inventory.estate.services.items()):
        found.setdefault(service.vip, []).append((name, service))
    return dict(sorted(found.items()))


def addresses(inventory: Inventory, services: list[Service]) -> list[str]:
    """Every address on which any site answers for the services; IPv6 in brackets."""
    found = []
    for family in FAMILIES:
        every = {a for s in services for a in inventory.service_vips(s, family).values()}
        found += [f"[{a}]" if family == 6 else str(a) for a in sorted(every, key=int)]
    return found
