"""The unit of the agent."""

from __future__ import annotations

from trimtab.daemons.agent.daemon import UNIT
from trimtab.daemons.artifact import HOOKS, Artifact
from trimtab.daemons.unit import TENDS, unit
from trimtab.estate.inventory import Host, Inventory


def agent() -> Artifact:
    """It is stopped last and started last: whatever it does about the others, they run without it."""
    lines = [
        "Type=notify",
        "StateDirectory=trimtab",
        "RuntimeDirectory=trimtab/agent",
        "LimitNOFILE=16384",
        "MemoryMax=300M",
        TENDS,
        "ProtectHome=yes",
        "ProtectKernelModules=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        f"ExecStart={HOOKS}/agent",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=30s",  # one that hangs is killed and started anew; the proxies serve on meanwhile
    ]
    return unit(
        UNIT,
        "network-online.target",
        lines,
        "trimtab's agent of this host",
        take_up="restart",
    )


def units(_: Inventory, __: Host) -> tuple[Artifact, ...]:
    return (agent(),)
