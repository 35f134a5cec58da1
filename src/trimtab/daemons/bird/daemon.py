"""BIRD 2: routes, BFD, what a site announces."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime

from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.bird import ready
from trimtab.daemons.took import Moment
from trimtab.daemons.validator import Validator

BIRDC = ("/usr/sbin/birdc", "-s", "/run/bird/bird.ctl", "show", "status")
STEER_HOOK = f"{HOOKS}/bird-steer"


def _ask(path: str) -> list[str]:
    """A router reads what is steered beside its own file; the hook of its unit sees to it that it is there."""
    return ["sh", "-c", f'if test -x {STEER_HOOK}; then {STEER_HOOK}; fi; exec bird -p -c "$0"', path]


def reconfigured(reply: str, since: float) -> bool:
    """Of `birdc show status`: it has read its file since then, and is done with it."""
    found = re.search(r"Last reconfiguration on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)", reply)
    if found is None or "Reconfiguration in progress" in reply:
        return False
    told = datetime.fromisoformat(found[1][:23]).timestamp()
    return told >= since - (0.001 if "." in found[1] else 1)


def _took(_: int | None, since: Moment) -> str:
    try:
        reply = subprocess.run(BIRDC, capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        reply = ""
    return "" if reconfigured(reply, since.wall) else "has not read its file anew"


DAEMON = Daemon(
    "bird",
    programs={"bird": "bird2", "birdc": "bird2"},
    units=("bird.service",),
    takes_up=TakesUp.ANNOUNCES,
    judge=Validator("bird", "bird2", _ask, folder="/usr/sbin"),
    probes=(ready.BGP, ready.BFD, ready.ROUTE, ready.RPKI),
    took=_took,
)
