"""The unit of keepalived."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.keepalived.config import GATEWAY_STATE
from trimtab.daemons.unit import STEERS, unit
from trimtab.estate.inventory import Host, Inventory


def keepalived(front: bool) -> Artifact:
    init = (
        f"ExecStartPre={HOOKS}/front init"
        if front
        else f"ExecStartPre=/bin/sh -c 'mkdir -p {GATEWAY_STATE}; test -s {GATEWAY_STATE}/bird || echo 1 > {GATEWAY_STATE}/bird'"
    )
    lines = [
        "Type=exec",
        init,
        STEERS,
        "ExecStart=/usr/sbin/keepalived --dont-fork --log-console --vrrp -f /etc/keepalived/keepalived.conf",
        # it takes up whatever there is: of a file that it does not understand it is left with nothing to run, or ends
        "ExecReload=/usr/sbin/keepalived --config-test -f /etc/keepalived/keepalived.conf",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
    ]
    return unit("keepalived.service", "network-online.target", lines, "keepalived, VRRP by trimtab")


def units(_: Inventory, host: Host) -> tuple[Artifact, ...]:
    return (keepalived(front=host.does("vips")),)
