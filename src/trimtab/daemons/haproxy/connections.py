"""How many connections a HAProxy has room for. Sources: HAProxy 2.6 Configuration Manual, 3.2 (maxconn) and 4.2 (maxconn,
tcp-request connection).
"""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.daemons import across
from trimtab.daemons.connections import FILES, HEALTH, OWN, in_store
from trimtab.daemons.haproxy import across as haproxy_across
from trimtab.daemons.haproxy import once as haproxy_once
from trimtab.daemons.haproxy.features import features
from trimtab.daemons.pools import servers, used
from trimtab.estate.inventory import Inventory

# Requests of other sites take a place while they are under way, clients one as long as they stay: a quarter is plenty.
ACROSS_SHARE, ACROSS_LEAST = 4, 100


@dataclass(frozen=True, slots=True)
class Places:
    """Of one HAProxy. public: `maxconn`, over all public listeners.  own, across, health, once: beside it, the last for
    requests in the second stage of HAProxy 2.6.
    """

    public: int
    own: int
    across: int
    health: int
    once: int

    @property
    def total(self) -> int:
        """The limit of the process; the admin socket and peers do not count in it."""
        return self.public + self.own + self.across + self.health + self.once


def places(inventory: Inventory, site: str, public: int | None = None) -> Places:
    """public: what to count with in place of the estate's `maxconn`."""
    most = inventory.estate.tiers.proxy.maxconn if public is None else public
    asked = bool(across.answered(inventory, site))
    once = max(
        (haproxy_once.places(features(each.platform), most) for each in inventory.front(site)), default=0
    )
    return Places(most, OWN, max(ACROSS_LEAST, most // ACROSS_SHARE) if asked else 0, HEALTH, once)


def files(inventory: Inventory, site: str, public: int | None = None) -> int:
    """Open files that a proxy of `site` may need: two a connection, and one or two a server that is checked."""
    checked = sum(len(servers(inventory, pool, site)) for _, pool in used(inventory))
    checked += haproxy_across.servers(inventory, site)
    return 2 * places(inventory, site, public).total + in_store(2 * checked + FILES)
