"""The unit of keepalived."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.keepalived.config import GATEWAY_STATE, moves_vips
from trimtab.daemons.unit import STEERS, unit
from trimtab.estate.inventory import Host, Inventory


def keepalived(front: bool, gateway: bool) -> Artifact:
    """What its instances track is there before it starts."""
    state = f"mkdir -p {GATEWAY_STATE}; test -s {GATEWAY_STATE}/bird || echo 1 > {GATEWAY_STATE}/bird"
    lines = [
        "Type=exec",
        *([f"ExecStartPre={HOOKS}/front init"] if front else []),
        *([f"ExecStartPre=/bin/sh -c '{state}'"] if gateway else []),
        STEERS,
        "ExecStart=/usr/sbin/keepalived --dont-fork --log-console --vrrp -f /etc/keepalived/keepalived.conf",
        # it takes up whatever there is: of a file that it does not understand it is left with nothing to run, or ends
        "ExecReload=/usr/sbin/keepalived --config-test -f /etc/keepalived/keepalived.conf",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
    ]
    return unit("keepalived.service", "network-online.target", lines, "keepalived, VRRP by trimtab")


def units(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (keepalived(moves_vips(inventory, host), host.does("gateway")),)
