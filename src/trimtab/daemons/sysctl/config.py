"""Kernel settings, as one file that systemd-sysctl loads. A leading `-` lets a key fail whose module is absent."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.ports import LOWEST, ranges
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.kernel import PORT_RANGE, PROXY_PORTS, RESERVED, ROUTER_PORTS
from trimtab.estate.peering import speaks

CONFIG = "/etc/sysctl.d/90-trimtab.conf"
CONNTRACK = "net.netfilter.nf_conntrack_max"
MODULES = "/etc/modules-load.d/trimtab.conf"


def _lent(ports: range) -> str:
    return f"{ports[0]} {ports[-1]}"


# systemd loads modules before it sets sysctls (systemd-sysctl.service, After=). Loaded, it tracks nothing: rules do that.
_MODULES = """\
# Rendered by trimtab: changes here are lost. Its limit in sysctl.d can only be set once it is there.
nf_conntrack
"""

ROUTER = {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv4.fib_multipath_hash_policy": "1",
    "net.ipv6.fib_multipath_hash_policy": "1",
    # paths are asymmetric by design: strict reverse-path checks would drop good traffic
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    PORT_RANGE: _lent(ROUTER_PORTS),
    # below the first nothing is thrown out: the hosts of a site stay known however many strangers are asked for
    "-net.ipv4.neigh.default.gc_thresh1": "4096",
    "-net.ipv4.neigh.default.gc_thresh2": "8192",
    "-net.ipv4.neigh.default.gc_thresh3": "16384",
    "-net.ipv6.neigh.default.gc_thresh1": "4096",
    "-net.ipv6.neigh.default.gc_thresh2": "8192",
    "-net.ipv6.neigh.default.gc_thresh3": "16384",
    "net.ipv6.conf.all.accept_ra": "0",
    "net.ipv6.conf.default.accept_ra": "0",
}
# Of a host that speaks with upstreams and forwards nothing: BFD's source ports, several ways out, replies by another one.
SPEAKER = {
    key: ROUTER[key]
    for key in (
        "net.ipv4.fib_multipath_hash_policy",
        "net.ipv6.fib_multipath_hash_policy",
        "net.ipv4.conf.all.rp_filter",
        "net.ipv4.conf.default.rp_filter",
        PORT_RANGE,
    )
}
FRONT = {
    # a proxy binds every VIP before VRRP gives it one
    "net.ipv4.ip_nonlocal_bind": "1",
    "net.ipv6.ip_nonlocal_bind": "1",
    "net.ipv4.tcp_tw_reuse": "1",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.tcp_fin_timeout": "15",
    PORT_RANGE: _lent(PROXY_PORTS),
    "net.ipv4.tcp_slow_start_after_idle": "0",
    "-net.core.rmem_max": "16777216",
    "-net.core.wmem_max": "16777216",
    "net.ipv4.tcp_rmem": "4096 131072 16777216",
    "net.ipv4.tcp_wmem": "4096 65536 16777216",
    "-net.core.netdev_max_backlog": "65535",
}


def settings(inventory: Inventory, host: Host, ports: Iterable[int]) -> dict[str, str]:
    """ports: on which something of the host listens."""
    kernel = inventory.estate.kernel
    found = {
        "net.core.somaxconn": str(kernel.somaxconn),
        "net.ipv4.tcp_max_syn_backlog": str(kernel.somaxconn),
    }
    if host.does("vips"):
        found |= FRONT | {f"-{CONNTRACK}": str(kernel.conntrack)}
    if speaks(inventory, host):
        found |= SPEAKER
    if host.does("gateway"):
        found |= ROUTER
    for key, value in kernel.sysctl.items():
        found.pop(f"-{key}", None)
        found[key] = value
    return _reserve(found, {*ports, *kernel.reserved()})


def _reserve(found: dict[str, str], ports: set[int]) -> dict[str, str]:
    """Of those ports what the host lends; a router lends none of the usual ones."""
    lowest = int(found[PORT_RANGE].split()[0]) if PORT_RANGE in found else LOWEST
    found.pop(RESERVED, None)
    lent = [port for port in ports if port >= lowest]
    return found | ({RESERVED: ranges(lent)} if lent else {})


def render(inventory: Inventory, host: Host, ports: Iterable[int]) -> tuple[Artifact, ...]:
    lines = [f"# {host.name}: kernel settings. Rendered by trimtab: changes here are lost."]
    lines += [f"{key} = {value}" for key, value in sorted(settings(inventory, host, ports).items())]
    rendered = Artifact(CONFIG, "\n".join(lines) + "\n", validator="sysctl", take_up="sysctl")
    return (rendered, Artifact(MODULES, _MODULES)) if host.does("vips") else (rendered,)
