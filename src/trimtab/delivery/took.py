"""Does a running daemon have the new file? Each is asked in its room's way; a reload that was reported as done is no proof."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from trimtab.daemons.table import table
from trimtab.daemons.took import Moment
from trimtab.drivers.units.base import Manager, UnitState

LIMIT_S, EVERY_S, STEADY_S = 10.0, 0.05, 1.0


def prepare(unit: str, files: Mapping[str, str]) -> None:
    """Before the reload. files: by path, by which the daemon runs now."""
    found = table().of_unit(unit)
    if found is not None and found.reloads is not None:
        found.reloads(files)


async def problem(unit: str, units: Manager, since: Moment, *, anew: bool = False) -> str:
    """What is against it that the unit runs by its new files; "" for nothing, waited for LIMIT_S. anew: it was started, and its
    process has to stay for STEADY_S: to a supervisor one is active that is about to end over its files. Raises DriverError.
    """
    pid, known = None, time.monotonic()
    ends = known + LIMIT_S
    while True:
        state = (await units.state([unit]))[unit]
        found = _problem(unit, state, since)
        if state.pid != pid:
            pid, known = state.pid, time.monotonic()
        if not found and (not anew or time.monotonic() >= known + STEADY_S):
            return ""
        if time.monotonic() > ends:
            return found or f"{unit} ends soon after each start"
        await asyncio.sleep(EVERY_S)


def _problem(unit: str, state: UnitState, since: Moment) -> str:
    if state.active != "active":
        return f"{unit} is {state.active}"
    daemon = table().of_unit(unit)
    found = daemon.took(state.pid, since) if daemon is not None and daemon.took is not None else ""
    return f"{unit} {found}" if found else ""
