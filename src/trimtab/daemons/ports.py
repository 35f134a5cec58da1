"""Ports on which a host listens: an outgoing connection that had lent one would keep its daemon from starting.

Source: Linux Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trimtab.estate.inventory import Host, Inventory

LOWEST = 1024  # nothing is lent below


def application(inventory: Inventory, host: Host) -> Iterator[int]:
    """Of the application. Where members register themselves the file does not say who they are: any backend may be one."""
    for pool in inventory.estate.pools.values() if host.does("members") else ():
        if pool.port and (pool.discover or host.group in (pool.hosts, pool.backup)):
            yield pool.port
        yield from (member.port for member in pool.members or () if str(member.address) in (host.v4, host.v6))


def ranges(ports: Iterable[int]) -> str:
    """As the kernel writes a set of ports: `2379-2385,8080`."""
    found: list[list[int]] = []
    for port in sorted(set(ports)):
        if found and port == found[-1][1] + 1:
            found[-1][1] = port
        else:
            found.append([port, port])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
