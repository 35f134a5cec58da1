"""BIRD 2: routes, BFD, what a site announces."""

from __future__ import annotations

from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.bird import ready
from trimtab.daemons.validator import Validator

STEER_HOOK = f"{HOOKS}/bird-steer"


def _ask(path: str) -> list[str]:
    """A router reads what is steered beside its own file; the hook of its unit sees to it that it is there."""
    return ["sh", "-c", f'if test -x {STEER_HOOK}; then {STEER_HOOK}; fi; exec bird -p -c "$0"', path]


DAEMON = Daemon(
    "bird",
    programs={"bird": "bird2", "birdc": "bird2"},
    units=("bird.service",),
    takes_up=TakesUp.ANNOUNCES,
    judge=Validator("bird", "bird2", _ask, folder="/usr/sbin"),
    probes=(ready.BGP, ready.BFD, ready.ROUTE),
)
