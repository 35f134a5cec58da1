"""Does a running daemon have the new file? Each is asked in its own way; a reload that was reported as done is no proof."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from datetime import datetime
from pathlib import Path

from trimtab.agent_config import KEEPALIVED_RELOADING as RELOADING
from trimtab.drivers.units.base import Manager, UnitState

BIRDC = ("/usr/sbin/birdc", "-s", "/run/bird/bird.ctl", "show", "status")
LIMIT_S, EVERY_S, STEADY_S = 10.0, 0.05, 1.0
TICKS = os.sysconf("SC_CLK_TCK")


class Moment:
    """Just before a daemon is told: by the wall clock, which BIRD tells, and in seconds since the boot, by which processes begin."""

    def __init__(self) -> None:
        self.wall, self.boot = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)


def prepare(unit: str, text: str) -> None:
    """Before the reload. text: of the configuration by which the daemon runs now."""
    if unit == "keepalived.service" and f"reload_file {RELOADING}" in text:
        Path(RELOADING).write_text("reload\n")


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
    if unit == "bird.service":
        return "" if reconfigured(_birdc(), since.wall) else "BIRD has not read its file anew"
    if unit == "keepalived.service":
        return "keepalived has not read its file anew" if Path(RELOADING).exists() else ""
    if unit in ("haproxy.service", "nginx.service"):
        return "" if _youngest(state.pid) >= since.boot - 1 / TICKS else f"{unit} has no new worker"
    return ""


def reconfigured(reply: str, since: float) -> bool:
    """Of `birdc show status`: it has read its file since then, and is done with it."""
    found = re.search(r"Last reconfiguration on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)", reply)
    if found is None or "Reconfiguration in progress" in reply:
        return False
    told = datetime.fromisoformat(found[1][:23]).timestamp()
    return told >= since - (0.001 if "." in found[1] else 1)


def _birdc() -> str:
    try:
        done = subprocess.run(BIRDC, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _youngest(pid: int | None) -> float:
    """When the last child of a process began, in seconds since the boot; 0 without any."""
    found = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found = max(found, int(fields[19]) / TICKS)
    return found
