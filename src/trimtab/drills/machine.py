"""What a drill was measured on, and whether the machine was its own meanwhile.

Others on the same processors make any figure worse and a request late, and say nothing about the estate. They are told
from the twin and from us by the processes' own accounts (proc(5), `stat`).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Collection
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

KERNEL_THREAD = 0x00200000  # PF_KTHREAD
PPID, FLAGS, UTIME, CSTIME = 1, 6, 11, 14  # of what follows the name in a process's `stat`
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Sample:
    """at: seconds. Processor time up to then, in ticks. busy: of everybody, with what a hypervisor gave away; ours: of the
    given processes, their children, and children that have ended; kernel: of its own threads; idle: of nobody.
    """

    at: float
    busy: int
    ours: int
    kernel: int
    idle: int


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    kernel: bool
    ticks: int


def sample(roots: Collection[int], proc: Path = PROC) -> Sample | None:
    """None where this machine does not tell."""
    try:
        words = (proc / "stat").read_text().split("\n", 1)[0].split()
        user, nice, system, idle, waiting, *_ = (int(word) for word in words[1:])
        stolen = int(words[8])
    except (OSError, ValueError, IndexError):
        return None
    found = _processes(proc) if roots else {}
    kernel = sum(each.ticks for each in found.values() if each.kernel)
    ours = sum(found[pid].ticks for pid in _tree(found, roots))
    return Sample(time.monotonic(), user + nice + system + stolen, ours, kernel, idle + waiting)


def others(before: Sample | None, after: Sample | None) -> float | None:
    """The share of all processors that neither we nor the kernel used, 0 to 1; None where nothing is known."""
    if before is None or after is None or after.at <= before.at:
        return None
    ours, kernel = after.ours - before.ours, max(0, after.kernel - before.kernel)
    if ours < 0:  # a process that we counted has gone without being waited for
        return None
    there = (after.at - before.at) * os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
    return min(1.0, max(0.0, (after.busy - before.busy - ours - kernel) / there))


def spare(before: Sample | None, after: Sample | None) -> float | None:
    """The share of all processors that nobody used, 0 to 1; None where nothing is known."""
    if before is None or after is None or after.at <= before.at:
        return None
    there = (after.at - before.at) * os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
    return min(1.0, max(0.0, (after.idle - before.idle) / there))


def about(load: tuple[float, float], share: float | None) -> dict[str, Any]:
    """The `machine` of a run. load: the load average before and after it; share: see `others`."""
    try:
        version = metadata.version("trimtab")
    except metadata.PackageNotFoundError:
        version = "unknown"
    return {
        "load_average": [round(each, 2) for each in load], "cpus": os.cpu_count(), "kernel": platform.release(),
        "trimtab": version, "others": None if share is None else round(share, 3),
    }  # fmt: skip


def _processes(proc: Path) -> dict[int, _Process]:
    found = {}
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            words = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            ticks = sum(map(int, words[UTIME : CSTIME + 1]))
            found[int(entry.name)] = _Process(
                int(words[PPID]), bool(int(words[FLAGS]) & KERNEL_THREAD), ticks
            )
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
    return found


def _tree(found: dict[int, _Process], roots: Collection[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, each in found.items():
        children.setdefault(each.parent, []).append(pid)
    tree: set[int] = set()
    waiting = [pid for pid in roots if pid in found]
    while waiting:
        pid = waiting.pop()
        if pid not in tree:
            tree.add(pid)
            waiting += children.get(pid, [])
    return tree
