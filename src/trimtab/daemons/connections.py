"""How many connections a proxy has room for, and whose they are: what both engines share.

`maxconn` is the limit over all public listeners together. Others come beside it and never in place of it: who asks whether
the proxy is well, hosts of the estate, and the proxies of other sites. Otherwise clients could fill a proxy until
nobody finds it well, its addresses would move to the next proxy, and the clients with them.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from trimtab.estate.inventory import Inventory
from trimtab.estate.special import within

HEALTH = 100  # front-watch, the agent, observers on this host
OWN = 100  # hosts of the estate that look at a public address: the observers of other sites
FILES = 1000  # logs, certificates, listening sockets, threads


def in_store(files: int) -> int:
    """The next power of two, so that the unit is the same file with a member more: a new limit needs a restart."""
    return max(8192, int(2 ** (files - 1).bit_length()))


def own_networks(inventory: Inventory) -> list[str]:
    """Where hosts of the estate ask from: its private networks, and those between its sites."""
    first = inventory.first
    derived = [ip_network(f"{first}.0.0.0/8"), ip_network("172.16.0.0/12"), ip_network("fd00::/16")]
    more = [net for net in inventory.stated_networks if not any(within(net, each) for each in derived)]
    v4 = collapse_addresses(net for net in more if isinstance(net, IPv4Network))
    v6 = collapse_addresses(net for net in more if isinstance(net, IPv6Network))
    return [str(net) for net in (*derived, *v4, *v6)]
