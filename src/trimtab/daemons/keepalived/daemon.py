"""keepalived: VRRP, by which a site's addresses move."""

from __future__ import annotations

import re

from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.keepalived import ready
from trimtab.daemons.validator import Validator


def _ask(path: str) -> list[str]:
    """2.3 refuses a track file that does not exist. On a host the unit's hook has made it before."""
    tracked = """sed -n 's/^    file "\\(.*\\)"$/\\1/p' "$0" """
    made = f'{tracked}| while read -r file; do mkdir -p "${{file%/*}}"; echo 0 > "$file"; done'
    return ["sh", "-c", f'{made}; exec keepalived -t -f "$0"', path]


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
)
