"""ExaBGP: BGP without a table of routes, for hosts that only announce."""

from __future__ import annotations

import re

from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.validator import Validator

RUN_HOOK = f"{HOOKS}/exabgp-run"
_LINE = re.compile(r"(?P<file>/[^\s:]+)?\s*line (?P<line>\d+):")


def _ask(path: str) -> list[str]:
    """4.2 judges by `--test`, 5 by `validate`: the hook knows which is there."""
    return ["sh", "-c", f'exec {RUN_HOOK} judge "$0"', path]


DAEMON = Daemon(
    "exabgp",
    programs={"exabgp": "exabgp"},
    units=("exabgp.service",),
    takes_up=TakesUp.ANNOUNCES,
    judge=Validator("exabgp", "exabgp", _ask, folder="/usr/sbin"),
)
