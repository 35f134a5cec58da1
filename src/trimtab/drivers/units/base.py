"""What a supervisor has to do, and the words for what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from trimtab.errors import BadInput

# missing: the supervisor has no such unit. A unit between two attempts (systemd's auto-restart) is `activating`, a
# oneshot that has done its work and remains is `active`.
Active = Literal["active", "activating", "deactivating", "inactive", "failed", "missing"]

NAME = re.compile(r"[A-Za-z0-9@_.:][A-Za-z0-9@_.:\\-]{0,200}")


@dataclass(frozen=True, slots=True)
class UnitState:
    """restarts: how often the supervisor started it again by itself. pid: of its main process. since_s: when it came to
    this state, in seconds of CLOCK_MONOTONIC; None where the supervisor does not say.
    """

    name: str
    active: Active
    restarts: int = 0
    pid: int | None = None
    since_s: float | None = None


class Units(Protocol):
    """All raise Unreachable (the supervisor does not answer in time), Refused (it said no), InvalidResponse, and BadInput for
    what is no name of a unit.
    """

    async def state(self, names: Sequence[str]) -> dict[str, UnitState]:
        """Every one of `names`."""
        ...

    async def restart(self, name: str) -> None:
        """Stop and start it, or start it, whatever state it is in; returns when it has started."""
        ...

    async def reload(self, name: str) -> None:
        """Have it take up its files anew; returns when its ExecReload= has."""
        ...


class Manager(Units, Protocol):
    """Units that come and go: what a delivery needs beside. Raises as `Units` does."""

    async def reread(self) -> None:
        """Read the units' own files anew; who runs goes on as it was."""
        ...

    async def start(self, name: str) -> None:
        """A new one: now, and at every boot."""
        ...

    async def stop(self, name: str) -> None:
        """One whose file is gone: now, and for good."""
        ...


def checked(names: Sequence[str]) -> list[str]:
    """Raises BadInput for a name that could be taken for an option, or for several."""
    for name in names:
        if NAME.fullmatch(name) is None:
            raise BadInput(f"{ascii(name)[:100]} is no name of a unit")
    return list(names)
