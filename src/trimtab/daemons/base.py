"""What a room says of its daemon: whatever a host, a build and the twin have to know of it without the model of the estate.

The other half, what is rendered, is `rendered.Rendered`. Both stand in a table each (`table.py`, `rendered.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from fnmatch import fnmatchcase

from trimtab.daemons.probe import Probe
from trimtab.daemons.serving import Serving
from trimtab.daemons.took import Moment
from trimtab.daemons.validator import Validator


class TakesUp(IntEnum):
    """When a daemon takes new files up: a proxy binds an address before VRRP brings it, both serve it before a router tells
    of it, and the agent looks after them all.
    """

    SERVES = 0
    MOVES = 1
    ANNOUNCES = 2
    ANY = 3
    LAST = 4


@dataclass(frozen=True, slots=True)
class Daemon:
    """name: of its room.  programs: those of it that a host needs, each with Debian's package.  units: patterns of their names.
    takes_up: its turn when files of several have changed.  judge: who judges the files whose validator is `name`.
    at_birth: what of such a file it reads once in its life, and never again.  probes: how it is asked whether it is up.
    reloads: done before its reload, with the files, by path, by which it runs.  took: what is against it that its process, told
    after that moment, has its new files: "has …", "" for nothing.  serves: of an engine of the proxies.
    """

    name: str
    programs: Mapping[str, str] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    takes_up: TakesUp = TakesUp.ANY
    judge: Validator | None = None
    at_birth: re.Pattern[str] | None = None
    probes: tuple[Probe, ...] = ()
    reloads: Callable[[Mapping[str, str]], None] | None = None
    took: Callable[[int | None, Moment], str] | None = None
    serves: Serving | None = None

    def has(self, unit: str) -> bool:
        return any(fnmatchcase(unit, pattern) for pattern in self.units)
