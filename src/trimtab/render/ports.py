"""The ports on which a host listens, by its roles: an outgoing connection that had lent one would keep its daemon from
starting. Source: Linux Documentation/networking/ip-sysctl.rst, ip_local_reserved_ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.render.across import answered
from trimtab.render.etcd import clusters_of, ports_of

LOWEST = 1024  # nothing is lent below
BFD = (3784, 4784)  # of one hop (RFC 5881) and of several (RFC 5883): BIRD opens both
CONSUL = (8300, 8301, 8302, 8500, 8501, 8502, 8503, 8600)  # developer.hashicorp.com/consul, "Required ports"
PROXY = ("front-health", "prometheus-haproxy", "haproxy-peers")


def listened(inventory: Inventory, host: Host) -> set[int]:
    """Whatever a role of this host listens on from 1024 up, UDP and TCP."""
    found = {PORTS["agent-metrics"]}
    if {"router", "proxy"} & set(host.roles):
        found.update(BFD)
    if "proxy" in host.roles:
        found.update(PORTS[name] for name in PROXY)
        if answered(inventory, host.site):
            found.add(PORTS["across"])
    if "backend" in host.roles:
        found.update(_application(inventory, host))
    for cluster, _ in clusters_of(inventory, host):
        ports = ports_of(cluster)
        found.update((ports.client, ports.peer, ports.metrics))
    if "registry" in host.roles and inventory.estate.tiers.registry.engine == "consul":
        found.update(CONSUL)
    return {port for port in found if port >= LOWEST}


def _application(inventory: Inventory, host: Host) -> Iterator[int]:
    """Where members register themselves the file does not say who they are: any backend may be one."""
    for pool in inventory.estate.pools.values():
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
