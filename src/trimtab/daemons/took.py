"""Does a running daemon have its new files? What rooms answer it with; a reload that was reported as done is no proof."""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Moment:
    """Just before a daemon is told: by the wall clock, which BIRD tells, and in seconds since the boot, by which processes begin."""

    def __init__(self) -> None:
        self.wall, self.boot = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)


def new_worker(pid: int | None, since: Moment) -> str:
    """What is against it, of one whose reload starts workers."""
    return "" if _youngest(pid) >= since.boot - 1 / TICKS else "has no new worker"


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
