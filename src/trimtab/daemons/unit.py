"""A systemd unit as all daemons have it: users, capabilities and file limits live here, not in the daemons' own files.

Sources: systemd.service(5), systemd.exec(5). `+` runs a hook with full rights, `-` lets it fail.
"""

from __future__ import annotations

from trimtab.daemons.artifact import UNITS, Artifact, TakeUp

# What says that a host is alive waits for no processor: a late BFD or VRRP packet moves addresses. Then what serves, and
# what others elect by; an agent takes what they leave.
STEERS, SERVES, ELECTS, TENDS = "Nice=-15", "Nice=-10", "Nice=-5", "Nice=15"
HEAD = "# Rendered by trimtab: changes here are lost.\n"
# SIGTERM ends a proxy at once; a worker that hangs hears nothing of it, and HAProxy's master waits for its workers.
PROXY_STOP_S = 5
INSTALL = "\n[Install]\nWantedBy=multi-user.target\n"


def unit(
    name: str,
    after: str,
    lines: list[str],
    description: str,
    stop_s: int = 10,
    take_up: TakeUp = "daemon-reload",
) -> Artifact:
    """A service unit with the restart policy that all daemons share: always, for ever, without a storm.

    stop_s: seconds that it may take to end; 90 if nobody says so, and then a restart of one that hangs takes as long.
    take_up: of the unit's own file; what carries traffic is not started anew for it, the next start does.
    """
    text = (
        f"{HEAD}[Unit]\nDescription={description}\nAfter={after}\nWants=network-online.target\n"
        "StartLimitIntervalSec=0\n\n[Service]\nOOMScoreAdjust=-500\n"
        + "\n".join(lines)
        + f"\nTimeoutStopSec={stop_s}s\nRestart=always\nRestartSec=2s\n"
        + INSTALL
    )
    return Artifact(f"{UNITS}{name}", text, validator="systemd", take_up=take_up, unit=name)
