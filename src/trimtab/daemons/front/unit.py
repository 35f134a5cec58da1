"""The unit of the watch at the front of a proxy."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.unit import unit
from trimtab.estate.inventory import Host, Inventory


def front_watch() -> Artifact:
    lines = ["Type=exec", f"ExecStartPre={HOOKS}/front init", f"ExecStart={HOOKS}/front-watch"]
    says = "Does the proxy of this host answer?"
    return unit("trimtab-front.service", "network-online.target", lines, says, take_up="restart")


def units(_: Inventory, __: Host) -> tuple[Artifact, ...]:
    return (front_watch(),)
