"""Clouds in the twin: around a site whose proxies have a public address each, a network of its own is the gateway of every network,
announces those addresses, and translates them where they are not the proxies' own.

The translation is one to one (RFC 3022): whatever comes for a public address goes to one host, and what that host sends out of the
site has its public address. Among themselves the site's hosts see their own addresses, and may ask for the public ones as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.unit import unit
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece
from trimtab.estate.reached import public_addresses, translated
from trimtab.lab.topology import Node
from trimtab.lab.transit import Transit, runs

FIRST_CLOUD = 430_000  # nobody has it, and no filter takes it for an AS number that nobody can have
RULES, UNIT = "/etc/nftables.conf", "nat.service"
# Connections that have ended: a drill makes so many that the kernel's table would fill within its usual two minutes.
FORGETS = ("time_wait", "close", "fin_wait", "last_ack", "close_wait")


def clouds(inventory: Inventory, first: int) -> list[Transit]:
    """One a site, at its place. first: the index of the first among the twin's networks."""
    sites = [site for site in inventory.site_names() if apiece(inventory, site) and inventory.front(site)]
    return [_cloud(inventory, site, first + number) for number, site in enumerate(sites)]


def _cloud(inventory: Inventory, site: str, index: int) -> Transit:
    asn = number(inventory, site)
    own = {
        f: [f"{each}/{each.max_prefixlen}" for each in public_addresses(inventory, site, f)] for f in FAMILIES
    }
    at = inventory.estate.sites[site].at
    return Transit(asn, at, index, kind="cloud", speaker=runs(inventory, asn), own=own)


def number(inventory: Inventory, site: str) -> int:
    """The AS number of a site's cloud."""
    return FIRST_CLOUD + inventory.estate.sites[site].id


def translating(inventory: Inventory, transit: Transit, node: Node) -> Node:
    """The cloud's machine with its rules, where it has any."""
    site = next((s for s in inventory.site_names() if number(inventory, s) == transit.asn), None)
    text = rules(inventory, site) if site is not None and transit.kind == "cloud" else ""
    if not text:
        return node
    forget = "; ".join(
        f"echo 5 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_{each}" for each in FORGETS
    )
    lines = [
        "Type=exec",
        f"ExecStartPre=/usr/sbin/nft -f {RULES}",
        f"ExecStartPre=-/bin/sh -c '{forget}'",
        "ExecStart=/bin/sleep infinity",
    ]
    brought = unit(UNIT, "network-online.target", lines, "One-to-one NAT, a cloud of the twin")
    return replace(node, files=(*node.files, Artifact(RULES, text), brought), units=(UNIT, *node.units))


def rules(inventory: Inventory, site: str) -> str:
    """An nft ruleset; "" where every public address is the host's own."""
    tables = [_table(inventory, site, family) for family in FAMILIES]
    return "".join(["flush ruleset\n", *tables]) if any(tables) else ""


def _table(inventory: Inventory, site: str, family: Family) -> str:
    pairs = list(translated(inventory, site, family))
    if not pairs:
        return ""
    ip = "ip" if family == 4 else "ip6"
    inward = _elements(f"{public} : {own}" for public, own in pairs)
    outward = _elements(f"{own} : {public}" for public, own in pairs)
    inside = _elements(str(vlan.network(family)) for vlan in inventory.vlans(site))
    return f"""\
table {ip} nat {{
	chain prerouting {{
		type nat hook prerouting priority dstnat;
		dnat to {ip} daddr map {inward}
	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat;
		{ip} daddr != {inside} snat to {ip} saddr map {outward}
	}}
}}
"""


def _elements(found: Iterable[str]) -> str:
    return f"{{ {', '.join(found)} }}"
