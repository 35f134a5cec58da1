"""What a process costs, as the kernel counts it: processor time to the nanosecond, memory, and nothing of its own."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20
QUIET_S, QUIET_CPU_S = 0.3, 0.006  # what it does each second anyway is below that


def cpu_s(pid: int) -> float:
    """User and system time of the process, all its threads, and the children that it has waited for."""
    own = time.clock_gettime(cpu_clock(pid))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / TICKS


def cpu_clock(pid: int) -> int:
    """The number of the process's clock, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


def memory_mib(pid: int) -> dict[str, float]:
    """rss: all that is in memory; pss: with shared pages by share."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        key, _, value = line.partition(":")
        if key in ("Rss", "Pss"):
            found[f"{key.lower()}_mib"] = round(int(value.split()[0]) * 1024 / MIB, 1)
    return found


async def burst_ms(pid: int, number: int, within: float = 10.0) -> float:
    """Processor time, in ms, of what a signal starts, until the process is quiet again."""
    before = cpu_s(pid)
    os.kill(pid, number)
    last, since = before, time.monotonic()
    ends = since + within
    while time.monotonic() < ends:
        await asyncio.sleep(0.02)
        now = cpu_s(pid)
        if now - last > QUIET_CPU_S:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > QUIET_S:
            break
    return round((cpu_s(pid) - before) * 1000, 2)


async def trace(pid: int, seconds: float, every: float = 0.05) -> list[tuple[float, float]]:
    """(seconds, processor seconds) since the begin, again and again."""
    begun, cpu = time.monotonic(), cpu_s(pid)
    found = [(0.0, 0.0)]
    while found[-1][0] < seconds:
        await asyncio.sleep(every)
        found.append((round(time.monotonic() - begun, 4), round(cpu_s(pid) - cpu, 6)))
    return found


def per_second_ms(trace: list[tuple[float, float]]) -> list[float]:
    """Processor time in each whole second, in ms."""
    found: list[float] = []
    last = 0.0
    for seconds, cpu in trace:
        if seconds >= len(found) + 1:
            found.append(round((cpu - last) * 1000, 2))
            last = cpu
    return found
