"""How many connections a proxy has room for, and whose they are.

`maxconn` is the limit over all public listeners together. Others come beside it and never in place of it: who asks whether
the proxy is well, hosts of the estate, and the proxies of other sites. Otherwise clients could fill a proxy until
nobody finds it well, its addresses would move to the next proxy, and the clients with them.

Sources: HAProxy 2.6 Configuration Manual, 3.2 (maxconn) and 4.2 (maxconn, tcp-request connection); ngx_core_module
(worker_connections counts listening sockets and connections to members as well).
"""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.daemons import across
from trimtab.daemons.haproxy import across as haproxy_across
from trimtab.daemons.haproxy import once as haproxy_once
from trimtab.daemons.haproxy.features import features
from trimtab.daemons.pools import servers, used
from trimtab.daemons.vips import addresses
from trimtab.estate.inventory import Inventory

HEALTH = 100  # front-watch, the agent, whoever looks on this host
OWN = 100  # hosts of the estate that look at a public address: the observers of other sites
# Requests of other sites take a place while they are under way, clients one as long as they stay: a quarter is plenty.
ACROSS_SHARE, ACROSS_LEAST = 4, 100
FILES = 1000  # logs, certificates, listening sockets, threads


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


def connections(inventory: Inventory, public: int | None = None) -> int:
    """What one worker of nginx may have to hold: each request takes a connection to its client and one to a member, and
    those that are kept to members and listening sockets count too.
    """
    most = inventory.estate.tiers.proxy.maxconn if public is None else public
    return 2 * (most + OWN + HEALTH) + _beside(inventory)


def _beside(inventory: Inventory) -> int:
    """Of a worker of nginx: listening sockets, and connections that are kept to members."""
    listening = 2 * len(addresses(inventory, list(inventory.estate.services.values()))) + 1
    return listening + len(used(inventory)) * inventory.estate.tiers.proxy.upstream_keepalive


def files(inventory: Inventory, site: str, public: int | None = None) -> int:
    """Open files that a proxy of `site` may need. HAProxy takes two a connection, and one or two a server that is checked."""
    if inventory.estate.tiers.proxy.engine == "nginx":
        beside = _beside(inventory)
        return connections(inventory, public) - beside + _in_store(beside + FILES)
    checked = sum(len(servers(inventory, pool, site)) for _, pool in used(inventory))
    checked += haproxy_across.servers(inventory, site)
    return 2 * places(inventory, site, public).total + _in_store(2 * checked + FILES)


def _in_store(files: int) -> int:
    """The next power of two, so that the unit is the same file with a member more: a new limit needs a restart."""
    return max(8192, int(2 ** (files - 1).bit_length()))


def own_networks(inventory: Inventory) -> list[str]:
    """Where hosts of the estate ask from: its private networks, and those between its sites."""
    first = inventory.first
    return [f"{first}.0.0.0/8", "172.16.0.0/12", "fd00::/16"]
