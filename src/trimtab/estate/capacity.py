"""What a site can carry, and what all of them together have to: requests a second, where the estate says so."""

from __future__ import annotations

from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.lans import group_of
from trimtab.estate.peering import by_vrrp


def peak_requests(estate: Estate) -> float | None:
    """At peak; of the services together where the estate as a whole does not say it."""
    if estate.objectives.peak is not None and estate.objectives.peak.requests is not None:
        return float(estate.objectives.peak.requests)
    peaks = [service.objectives.peak for service in estate.services.values()]
    found = [peak.requests for peak in peaks if peak is not None and peak.requests is not None]
    return float(sum(found)) if found else None


def front_requests(inventory: Inventory, site: str) -> float | None:
    """Of one proxy where VRRP moves the addresses: it holds all of them, the others are spares. Elsewhere all carry at once."""
    group = group_of(inventory.estate, inventory.front(site)[0].group)
    hardware = inventory.estate.hardware.get(group.hardware) if group and group.hardware else None
    measured = hardware.measured.requests if hardware else None
    return None if measured is None else float(measured) * carriers(inventory, site)


def carriers(inventory: Inventory, site: str) -> int:
    """How many of the site's proxies carry at once."""
    return 1 if by_vrrp(inventory, site) else len(inventory.front(site))
