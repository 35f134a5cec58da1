"""Kernel settings, as one file that systemd-sysctl loads. A leading `-` lets a key fail whose module is absent."""

from __future__ import annotations

from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.render.across import answered
from trimtab.render.artifact import Artifact

RESERVED = "net.ipv4.ip_local_reserved_ports"
CONFIG = "/etc/sysctl.d/90-trimtab.conf"

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
    "-net.ipv4.neigh.default.gc_thresh3": "16384",
    "-net.ipv6.neigh.default.gc_thresh3": "16384",
    "net.ipv6.conf.all.accept_ra": "0",
    "net.ipv6.conf.default.accept_ra": "0",
}
FRONT = {
    # a proxy binds every VIP before VRRP gives it one
    "net.ipv4.ip_nonlocal_bind": "1",
    "net.ipv6.ip_nonlocal_bind": "1",
    "net.ipv4.tcp_tw_reuse": "1",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.tcp_fin_timeout": "15",
    "net.ipv4.ip_local_port_range": "1024 65535",
    # the health port must be free whenever the proxy starts again
    RESERVED: "8404-8407",
    "net.ipv4.tcp_slow_start_after_idle": "0",
    "-net.core.rmem_max": "16777216",
    "-net.core.wmem_max": "16777216",
    "net.ipv4.tcp_rmem": "4096 131072 16777216",
    "net.ipv4.tcp_wmem": "4096 65536 16777216",
    "-net.core.netdev_max_backlog": "65535",
}


def settings(inventory: Inventory, host: Host) -> dict[str, str]:
    kernel = inventory.estate.kernel
    found = {
        "net.core.somaxconn": str(kernel.somaxconn),
        "net.ipv4.tcp_max_syn_backlog": str(kernel.somaxconn),
    }
    if "router" in host.roles:
        found |= ROUTER
    if "proxy" in host.roles:
        found |= FRONT | {"-net.netfilter.nf_conntrack_max": str(kernel.conntrack)}
        if answered(inventory, host.site):
            found[RESERVED] += f",{PORTS['across']}"
    for key, value in kernel.sysctl.items():
        found.pop(f"-{key}", None)
        found[key] = value
    return found


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    lines = [f"# {host.name}: kernel settings. Rendered by trimtab: changes here are lost."]
    lines += [f"{key} = {value}" for key, value in sorted(settings(inventory, host).items())]
    return (Artifact(CONFIG, "\n".join(lines) + "\n", validator="sysctl", take_up="sysctl"),)
