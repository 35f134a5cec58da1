"""How many connections a proxy has room for, and whose they are.

`maxconn` is the limit over all public listeners together. Others come beside it and never in place of it: who asks whether
the proxy is well, hosts of the estate, and the proxies of other sites. Otherwise clients could fill a proxy until
nobody finds it well, its addresses would move to the next proxy, and the clients with them.

Sources: HAProxy 2.6 Configuration Manual, 3.2 (maxconn) and 4.2 (maxconn, tcp-request connection); ngx_core_module
(worker_connections counts listening sockets and connections to members as well).
"""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.estate.inventory import Inventory
from trimtab.render import across, haproxy_across
from trimtab.render.pools import servers, used
from trimtab.render.vips import addresses

HEALTH = 100  # front-watch, the agent, whoever looks on this host
OWN = 100  # hosts of the estate that look at a public address: the observers of other sites
# Requests of other sites take a place while they are under way, clients one as long as they stay: a quarter is plenty.
ACROSS_SHARE, ACROSS_LEAST = 4, 100
FILES = 1000  # logs, certificates, listening sockets, threads


@dataclass(frozen=True, slots=True)
class Places:
    """Of one HAProxy. public: `maxconn`, over all public listeners.  own, across, health: beside it."""

    public: int
    own: int
    across: int
    health: int

    @property
    def total(self) -> int:
        """The limit of the process; the admin socket and peers do not count in it."""
        return self.public + self.own + self.across + self.health


def places(inventory: Inventory, site: str, public: int | None = None) -> Places:
    """public: what to count with in place of the estate's `maxconn`."""
    most = inventory.estate.tiers.proxy.maxconn if public is None else public
    asked = bool(across.answered(inventory, site))
    return Places(most, OWN, max(ACROSS_LEAST, most // ACROSS_SHARE) if asked else 0, HEALTH)


def connections(inventory: Inventory, site: str, public: int | None = None) -> int:
    """What one worker of nginx may have to hold: each request takes a connection to its client and one to a member, and
    those that are kept to members and listening sockets count too.
    """
    proxy = inventory.estate.tiers.proxy
    most = proxy.maxconn if public is None else public
    listening = 2 * len(addresses(inventory, list(inventory.estate.services.values()))) + 1
    return 2 * (most + OWN + HEALTH) + listening + len(used(inventory)) * proxy.upstream_keepalive


def files(inventory: Inventory, site: str, public: int | None = None) -> int:
    """Open files that a proxy of `site` may need. HAProxy takes two a connection, and one or two a server that is checked."""
    if inventory.estate.tiers.proxy.engine == "nginx":
        return connections(inventory, site, public) + FILES
    checked = sum(len(servers(inventory, pool, site)) for _, pool in used(inventory))
    checked += haproxy_across.servers(inventory, site)
    return 2 * places(inventory, site, public).total + 2 * checked + FILES


def own_networks(inventory: Inventory) -> list[str]:
    """Where hosts of the estate ask from: its private networks, and those between its sites."""
    first = inventory.first
    return [f"{first}.0.0.0/8", "172.16.0.0/12", "fd00::/16"]
