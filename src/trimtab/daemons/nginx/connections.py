"""How many connections an nginx has room for. Source: ngx_core_module (worker_connections counts listening sockets and
connections to members as well).
"""

from __future__ import annotations

from trimtab.daemons.connections import FILES, HEALTH, OWN, in_store
from trimtab.daemons.pools import used
from trimtab.daemons.vips import addresses
from trimtab.estate.inventory import Inventory


def connections(inventory: Inventory, public: int | None = None) -> int:
    """What one worker of nginx may have to hold: each request takes a connection to its client and one to a member, and
    those that are kept to members and listening sockets count too.
    """
    most = inventory.estate.tiers.proxy.maxconn if public is None else public
    return 2 * (most + OWN + HEALTH) + _beside(inventory)


def _beside(inventory: Inventory) -> int:
    """Of a worker of nginx: listening sockets, and connections that are kept to members."""
    services = list(inventory.estate.services.values())
    fronts = [front[0] for site in inventory.site_names() if (front := inventory.front(site))]
    listening = 2 * max((len(addresses(inventory, services, host)) for host in fronts), default=0) + 1
    return listening + len(used(inventory)) * inventory.estate.tiers.proxy.upstream_keepalive


def files(inventory: Inventory, site: str, public: int | None = None) -> int:
    """Open files that each worker may need."""
    beside = _beside(inventory)
    return connections(inventory, public) - beside + in_store(beside + FILES)
