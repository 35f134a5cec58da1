"""Pools that other sites serve when too few members are well at one's own (`across`): who asks whom, nearest first.

A request goes to one other site at most: what comes from a proxy of another site is answered by this site's members.
"""

from __future__ import annotations

from trimtab.daemons.etcd.config import link_rtt
from trimtab.daemons.pools import used
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import joined
from trimtab.estate.pool import Pool

# Every proxy checks all proxies that it may ask, so their number is bounded: an estate of 200 sites would otherwise
# check itself to a standstill.
MOST_ASKED = 3


def wanted(inventory: Inventory) -> list[tuple[str, Pool]]:
    """The used pools with `across`, by name."""
    return [(name, pool) for name, pool in used(inventory) if pool.across]


def having(inventory: Inventory, pool: Pool) -> list[str]:
    """Sites that can be asked: with proxies, and with members of their own. Where members register the file does not
    say, so for such a pool it is every site with proxies.
    """
    groups = [group for group in (pool.hosts, pool.backup) if group]
    return [
        site
        for site in inventory.site_names()
        if inventory.front(site)
        and (pool.discover is not None or any(inventory.in_group(site, g) for g in groups))
    ]


def asked(inventory: Inventory, pool: Pool, site: str) -> list[tuple[float, str]]:
    """(round trip in seconds, site) of those whom the proxies of `site` ask, the nearest first; none without `across`."""
    if not pool.across:
        return []
    others = [other for other in having(inventory, pool) if other in joined(inventory, site)]
    return sorted((link_rtt(inventory, site, other), other) for other in others)[:MOST_ASKED]


def answered(inventory: Inventory, site: str) -> list[str]:
    """The pools in which this site's members serve other sites, by name; none where it is alone."""
    if not any(inventory.front(other) for other in joined(inventory, site)):
        return []
    return [name for name, pool in wanted(inventory) if site in having(inventory, pool)]


def helped(inventory: Inventory, pool: Pool) -> bool:
    """Is there somebody to ask at every site that serves?"""
    return bool(pool.across) and len(having(inventory, pool)) > 1
