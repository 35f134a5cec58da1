"""The unit of BIRD."""

from __future__ import annotations

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.daemon import STEER_HOOK
from trimtab.daemons.keepalived.config import GATEWAY_STATE
from trimtab.daemons.unit import STEERS, unit
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import speaks


def bird(router: bool, gateway: bool = False) -> Artifact:
    """router: it reads what is steered.  gateway: keepalived hears of it."""
    lines = [
        "Type=exec",
        "User=bird",
        "Group=bird",
        "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE",
        "RuntimeDirectory=bird",
        *([f"ExecStartPre=+{STEER_HOOK}"] if router else []),
        "ExecStartPre=/usr/sbin/bird -p -c /etc/bird/bird.conf",
        STEERS,
        "ExecStart=/usr/sbin/bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl",
    ]
    if gateway:
        lines += [
            f"ExecStartPost=+/bin/sh -c 'mkdir -p {GATEWAY_STATE}; echo 0 > {GATEWAY_STATE}/bird'",
            f"ExecStopPost=-+/bin/sh -c 'echo 1 > {GATEWAY_STATE}/bird'",
        ]
    lines.append("ExecReload=/usr/sbin/birdc -s /run/bird/bird.ctl configure")
    return unit("bird.service", "network-online.target", lines, "BIRD, routing by trimtab")


def units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (bird(host.does("gateway") or speaks(inventory, host), host.does("gateway")),)
