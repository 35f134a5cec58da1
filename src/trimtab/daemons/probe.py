"""What a probe is: a question for a node, and a pure judge of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trimtab.daemons.reply import Reply, Verdict

Args = tuple[str, ...]
# A kind of check that the twin answers itself, which supervises the units: args are their names, none means all.
UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Probe:
    """kind: key in PROBES.  ask: argv to run in a node.  judge: pure.

    holds: whether the judgement must be true on every node of a check, or on exactly one of them.  after: not asked as long as
    something of a lower number does not hold, which it needs: each question is a program that starts, and what a twin that
    boots has too little of is processors.
    """

    kind: str
    ask: Callable[[Args], list[str]]
    judge: Callable[[Args, Reply], Verdict]
    holds: Literal["everywhere", "on exactly one"] = "everywhere"
    after: int = 0


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """Something that must hold before the twin is up. kind: of a daemon's probe, or UNIT; what: shown while waiting."""

    kind: str
    what: str
    nodes: tuple[str, ...]
    args: tuple[str, ...] = ()
