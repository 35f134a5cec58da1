"""The unit of HAProxy."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.front.daemon import MEMBERS_HOOK
from trimtab.daemons.haproxy.connections import files as open_files
from trimtab.daemons.unit import PROXY_STOP_S, SERVES, unit
from trimtab.estate.inventory import Host, Inventory

# Each start and reload begins with who serves now; what comes of it is judged before the daemon reads it.
HAPROXY_CHECK = (
    f"{MEMBERS_HOOK} haproxy /usr/sbin/haproxy -c -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg"
)


def haproxy(files: int) -> Artifact:
    """files: that it may have open."""
    lines = [
        "Type=notify",
        "User=haproxy",
        "Group=haproxy",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        f"LimitNOFILE={files}",
        "RuntimeDirectory=haproxy",
        f"ExecStartPre={HAPROXY_CHECK}",
        SERVES,
        "ExecStart=/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -f /run/haproxy/pools.cfg "
        "-p /run/haproxy/haproxy.pid -S /run/haproxy/master.sock",
        f"ExecStartPost=+{HOOKS}/front set process up",
        # the addresses leave while the old process still answers
        f"ExecStop=-+{HOOKS}/front set process down",
        "SuccessExitStatus=143",
        f"ExecReload={HAPROXY_CHECK}",
        f"ExecReload={HOOKS}/proxy-reload haproxy $MAINPID",
        f"ExecStopPost=-+{HOOKS}/front set process down",
        "KillMode=mixed",
    ]
    return unit("haproxy.service", "network-online.target", lines, "HAProxy by trimtab", PROXY_STOP_S)


def units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (haproxy(open_files(inventory, host.site)),)
