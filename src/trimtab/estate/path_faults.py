"""Faults of what needs a private path to a site that has none: the path is between routers, and there a switch is the gateway."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apart, apiece
from trimtab.estate.prefix_faults import Problem


def path_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint)"""
    lonely = [site for site in inventory.site_names() if apart(inventory, site)]
    for i, link in enumerate(inventory.estate.links):
        for site in (each for each in link.between if each in lonely):
            hint = "take the entry out"
            if not apiece(inventory, site):
                hint += ", or give it a router: one group with `roles: [router, proxy]`"
            yield (
                ("links", i, "between"),
                f"{site} has no router, and a private path is between routers",
                hint,
            )
    for name, store in inventory.estate.stores.items():
        held = [site for site in inventory.site_names() if inventory.in_group(site, store.hosts)]
        if len(held) > 1 and (without := [site for site in held if site in lonely]):
            hint = "members in sites with routers, or in one site alone"
            yield (
                ("stores", name, "hosts"),
                f"{', '.join(without)}: no private path to its other members",
                hint,
            )
