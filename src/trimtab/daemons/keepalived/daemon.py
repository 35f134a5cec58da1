"""keepalived: VRRP, by which a site's addresses move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from trimtab.agent_config import KEEPALIVED_RELOADING as RELOADING
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.keepalived import ready
from trimtab.daemons.took import Moment
from trimtab.daemons.validator import Validator


def _ask(path: str) -> list[str]:
    """2.3 refuses a track file that does not exist. On a host the unit's hook has made it before."""
    tracked = """sed -n 's/^    file "\\(.*\\)"$/\\1/p' "$0" """
    made = f'{tracked}| while read -r file; do mkdir -p "${{file%/*}}"; echo 0 > "$file"; done'
    return ["sh", "-c", f'{made}; exec keepalived -t -f "$0"', path]


def _reloads(files: Mapping[str, str]) -> None:
    """It removes the file once it has read its own anew, if it runs by one that says so."""
    if f"reload_file {RELOADING}" in files.get("/etc/keepalived/keepalived.conf", ""):
        Path(RELOADING).write_text("reload\n")


def _took(_: int | None, __: Moment) -> str:
    return "has not read its file anew" if Path(RELOADING).exists() else ""


DAEMON = Daemon(
    "keepalived",
    programs={"keepalived": "keepalived"},
    units=("keepalived.service",),
    takes_up=TakesUp.MOVES,
    judge=Validator(
        "keepalived",
        "keepalived",
        _ask,
        where=re.compile(r"\((?P<file>/[^:)]+): Line (?P<line>\d+)\)"),
        folder="/usr/sbin",
    ),
    probes=(ready.VIP,),
    reloads=_reloads,
    took=_took,
)
