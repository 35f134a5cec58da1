"""nginx has no runtime API: it reads the membership when it starts and when it is reloaded, so it is reloaded, but only if
what it would read is another than what it read last, and seldom enough: a worker of an earlier reload stays until what it
serves has ended, for `drain` at most, and keeps its memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.drivers.files import write_atomically
from trimtab.drivers.units import Units
from trimtab.errors import Refused

PACE = Pace(window=0.0, spacing=1.0, first=0.5, limit=90.0)
GENERATIONS = 60  # of workers, beside each other at most
USED = Path("/run/nginx/members.used")


def pace(drain: float) -> Pace:
    """drain: seconds that an old worker may stay."""
    return replace(PACE, spacing=max(PACE.spacing, drain / GENERATIONS))


class NginxController:
    """members: the file that nginx is going to read.  loaded: one, gone with a boot, that says what it read last.
    used: the sha256 of the members' file that the hook put into its last start or reload; empty: none.
    """

    name = "nginx"

    def __init__(
        self, unit: str, units: Units, members: Path, loaded: Path, metrics: Metrics, used: Path = USED
    ) -> None:
        self._unit, self._units, self._metrics = unit, units, metrics
        self._members, self._loaded, self._used = members, loaded, used

    def keys(self) -> Collection[str]:
        return ("reload",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        wanted = self._members.read_bytes()
        if digest(wanted) == _text(self._loaded) and _text(self._used) != "":
            return DONE
        state = (await self._units.state([self._unit]))[self._unit]
        if state.active != "active":
            raise Refused(f"{self._unit} is {state.active}", "it reads the membership when it starts")
        self._metrics.reloads.inc()
        await self._units.reload(self._unit)
        used = _text(self._used)
        # what was written meanwhile is read by the reload too; a hook of an earlier build says nothing
        for content in (wanted, self._members.read_bytes()):
            if used in (None, hashlib.sha256(content).hexdigest()):
                write_atomically(self._loaded, digest(content).encode())
                return DONE
        raise Refused(f"{self._unit} did not take the membership", f"the log of {self._unit} says why")


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return None


def digest(content: bytes) -> str:
    """Of all in the members' file that concerns nginx: it has no floors."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return "not read"
    parts = [found.get("pools"), found.get("splits")] if isinstance(found, dict) else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
