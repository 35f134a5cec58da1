"""What an agent costs while nothing happens: processor, memory, and resyncs that find everything as it should be."""

from __future__ import annotations

import asyncio
import re
import signal
import urllib.request
from statistics import median
from typing import Any

from _propagation.children import BenchFailed, Daemon
from _propagation.cost import burst_ms, memory_mib, per_second_ms, trace
from _propagation.plan import Plan

QUIET_S = 3.0  # after the last change, before it counts as rest
COUNTERS = r"(?m)^(trimtab_(?:proxy_commands_total|reconciles_total|reconcile_seconds_count)\S*) (\S+)$"
RESYNCS = 'trimtab_reconcile_seconds_count{controller="haproxy"}'
POOLS = 'trimtab_reconciles_total{controller="haproxy"}'
COMMANDS = "trimtab_proxy_commands_total"


async def measure(plan: Plan, agent: Daemon, metrics: str) -> dict[str, Any]:
    """metrics: the agent's URL. Raises BenchFailed where something was changed, or not everything was looked at.

    cpu_percent: of one core.  cpu_ms: in each second.  resyncs: how often the agent looked at all pools by itself.
    resync_cpu_ms: of one of them: what there was above the median second.  asked_cpu_ms: of resyncs that SIGHUP asks
    for; then it reads its file too.
    """
    await asyncio.sleep(QUIET_S)
    before = await counters(metrics)  # asking costs the agent more than a resync: never while it is looked at
    seen = await trace(agent.pid, plan.rest_s)
    after = await counters(metrics)
    memory = memory_mib(agent.pid)
    asked = [await burst_ms(agent.pid, signal.SIGHUP) for _ in range(plan.resyncs)]
    found = judged(plan.pools, before, after)
    judged(plan.pools, after, await counters(metrics))
    (seconds, used), each = seen[-1], per_second_ms(seen)
    return {
        "seconds": seconds,
        "cpu_percent": round(100 * used / seconds, 3),
        "resyncs": found,
        "resync_cpu_ms": round(sum(ms - median(each) for ms in each) / found, 2),
        "asked_cpu_ms": asked,
        "cpu_ms": each,
        **memory,
    }


def judged(pools: int, before: dict[str, float], after: dict[str, float]) -> int:
    """The resyncs between two readings, if they looked at every pool and sent nothing. Raises BenchFailed."""
    changes = {key: after.get(key, 0.0) - before.get(key, 0.0) for key in (RESYNCS, POOLS, COMMANDS)}
    resyncs = int(changes[RESYNCS])
    if changes[COMMANDS]:
        raise BenchFailed(f"not at rest: the agent sent {changes[COMMANDS]:.0f} commands")
    if not resyncs or changes[POOLS] < pools * resyncs:
        raise BenchFailed(f"not full resyncs: {resyncs} looked at {changes[POOLS]:.0f} pools of {pools}")
    return resyncs


async def counters(url: str) -> dict[str, float]:
    """Of the agent's metrics, those that tell what was looked at and what was sent."""

    def read() -> str:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return str(reply.read().decode())

    found = re.findall(COUNTERS, await asyncio.to_thread(read))
    return {key: float(value) for key, value in found}
