"""What makes a network of the twin tell routes that it should not, and stop again: lines for FRR.

The networks' own filters (lab/templates/bgpd.conf.j2) let nothing of it out, so each of their maps gets an entry a route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trimtab.daemons.frr import wire as frr

MAPS = ("nothing", "to-settled")  # by which they tell the estate
MOST = 9  # the maps' own entries begin at 10
REFRESH = ("end", "clear bgp ipv4 unicast * soft out", "clear bgp ipv6 unicast * soft out")


def told(node: str, routes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """A command that announces them. routes: prefix → what is behind the network in the AS path."""
    assert len(routes) <= MOST
    lines: list[str] = []
    for number, (prefix, path) in enumerate(routes.items(), 1):
        ip = "ipv6" if ":" in prefix else "ip"
        lines.append(f"{ip} prefix-list told-{number} seq 5 permit {prefix}")
        for name in MAPS:
            lines += [f"route-map {name} permit {number}", f"match {ip} address prefix-list told-{number}"]
            lines += [f"set as-path prepend {' '.join(map(str, path))}"] if path else []
            lines.append("exit")
    return frr.vtysh([*lines, *_networks(node, routes, "network"), *REFRESH])


def untold(node: str, routes: Iterable[str]) -> list[str]:
    """A command after which all is as it was; a line that is not there any more is said and passed over."""
    lines = _networks(node, list(routes), "no network")
    for number, prefix in enumerate(routes, 1):
        lines += [f"no route-map {name} permit {number}" for name in MAPS]
        lines.append(f"no {'ipv6' if ':' in prefix else 'ip'} prefix-list told-{number}")
    return frr.vtysh([*lines, *REFRESH])


def _networks(node: str, routes: Iterable[str], verb: str) -> list[str]:
    """The twin names a network after its AS."""
    lines = [f"router bgp {node.removeprefix('as')}"]
    for family in ("ipv4", "ipv6"):
        own = [prefix for prefix in routes if (":" in prefix) == (family == "ipv6")]
        lines += [
            f"address-family {family} unicast",
            *(f"{verb} {prefix}" for prefix in own),
            "exit-address-family",
        ]
    return [*lines, "exit"]
