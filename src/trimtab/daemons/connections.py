"""How many connections a proxy has room for, and whose they are: what both engines share.

`maxconn` is the limit over all public listeners together. Others come beside it and never in place of it: who asks whether
the proxy is well, hosts of the estate, and the proxies of other sites. Otherwise clients could fill a proxy until
nobody finds it well, its addresses would move to the next proxy, and the clients with them.
"""

from __future__ import annotations

from ipaddress import ip_network

from trimtab.estate.base import IPNetwork
from trimtab.estate.inventory import Inventory

HEALTH = 100  # front-watch, the agent, observers on this host
OWN = 100  # hosts of the estate that look at a public address: the observers of other sites
FILES = 1000  # logs, certificates, listening sockets, threads


def in_store(files: int) -> int:
    """The next power of two, so that the unit is the same file with a member more: a new limit needs a restart."""
    return max(8192, int(2 ** (files - 1).bit_length()))


def own_networks(inventory: Inventory) -> list[str]:
    """Where hosts of the estate ask from: its private networks, and those between its sites."""
    first = inventory.first
    derived = [f"{first}.0.0.0/8", "172.16.0.0/12", "fd00::/16"]
    return derived + [
        str(net) for net in inventory.stated_networks() if not any(_within(net, d) for d in derived)
    ]


def _within(inner: IPNetwork, outer: str) -> bool:
    net = ip_network(outer)
    return inner.version == net.version and inner.prefixlen >= net.prefixlen and inner.network_address in net
