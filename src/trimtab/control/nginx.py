"""nginx has no runtime API: it reads the membership when it starts and when it is reloaded, so it is reloaded, but only if
what it would read is another than what it read last, and at most once a second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from trimtab.control.files import read_json, write_atomically
from trimtab.control.loop import Failures
from trimtab.control.metrics import Metrics
from trimtab.control.queue import Pace
from trimtab.drivers.units import Units
from trimtab.errors import Refused

PACE = Pace(window=0.0, spacing=1.0, first=0.5, limit=90.0)


class NginxController:
    """members: the file that nginx is going to read.  loaded: one, gone with a boot, that says what it read last."""

    name = "nginx"

    def __init__(self, unit: str, units: Units, members: Path, loaded: Path, metrics: Metrics) -> None:
        self._unit, self._units, self._metrics = unit, units, metrics
        self._members, self._loaded = members, loaded

    def keys(self) -> Collection[str]:
        return ("reload",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        wanted = digest(self._members)
        if wanted == self._last():
            return {}
        state = (await self._units.state([self._unit]))[self._unit]
        if state.active != "active":
            raise Refused(f"{self._unit} is {state.active}", "it reads the membership when it starts")
        self._metrics.reloads.inc()
        await self._units.reload(self._unit)
        write_atomically(self._loaded, wanted.encode())
        return {}

    def _last(self) -> str:
        with suppress(OSError):
            return self._loaded.read_text()
        return ""


def digest(members: Path) -> str:
    """Of all in the file that concerns nginx: it has no floors. Raises OSError.

    Taken before the reload: what is written meanwhile is read by it too, and costs at most one reload more.
    """
    try:
        found = read_json(members)
    except ValueError:
        return "not read"
    parts = [found.get("pools"), found.get("splits")] if isinstance(found, dict) else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
