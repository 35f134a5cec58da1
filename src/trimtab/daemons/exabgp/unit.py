"""The unit of ExaBGP. The distribution's own of the same name stands behind it."""

from __future__ import annotations

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.exabgp.config import USED
from trimtab.daemons.exabgp.daemon import RUN_HOOK
from trimtab.daemons.unit import STEERS, unit
from trimtab.estate.inventory import Host, Inventory

# Nothing is written back to the process that announces, and no pipe for commands is looked for.
ENVIRONMENT = (
    "exabgp_api_ack=false",
    "exabgp_api_cli=false",
    "exabgp_daemon_user=exabgp",
    "exabgp_log_level=WARNING",
    "exabgp_log_destination=stderr",
)


def units(_: Inventory, __: Host) -> tuple[Artifact, ...]:
    lines = [
        "Type=exec",
        "User=exabgp",
        "Group=exabgp",
        "RuntimeDirectory=exabgp",
        *(f"Environment={each}" for each in ENVIRONMENT),
        f"ExecStartPre=+{RUN_HOOK} fill",
        STEERS,
        f"ExecStart={RUN_HOOK} {USED}",
        f"ExecReload=+{RUN_HOOK} fill",
        "ExecReload=/bin/kill -USR1 $MAINPID",
    ]
    return (unit("exabgp.service", "network-online.target", lines, "ExaBGP, announcements by trimtab"),)
