"""A thousand changes a second, while requests run through both proxies, and how soon both are as the registry is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from _propagation.changes import Lane, Wanted, differences, lanes, wanted
from _propagation.children import BenchFailed, Child
from _propagation.daemons import Proxy
from _propagation.plan import Plan, load
from trimtab.agent_config import RegistryAccess
from trimtab.registry.base import Registry
from trimtab.registry.codec import decode
from trimtab.registry.engines import connect
from trimtab.registry.record import CheckState, FrontState, HostState

WARM_S, AFTER_S = 1.0, 1.0  # requests before the first change and after both proxies are there
CONVERGED_WITHIN_S = 30.0


def batches(plan: Plan) -> int:
    """Transactions of one lane."""
    return max(1, round(plan.churn_s * plan.changes / plan.batch / lanes(plan)))


def replayed(plan: Plan, run: int) -> list[Lane]:
    """The lanes at their end."""
    made = Lane.all(plan, run)
    for lane in made:
        for _ in range(batches(plan)):
            lane.batch(plan.batch)
    return made


async def child(text: str, url: str, prefix: str, run: int) -> dict[str, Any]:
    """Makes the changes. Lanes go at the same pace, each one transaction after the other."""
    plan = load(text)
    registry = connect(RegistryAccess(plan.registry, (url,), prefix))
    begin = time.monotonic() + 0.1
    late = await asyncio.gather(*(_lane(plan, lane, registry, begin) for lane in Lane.all(plan, run)))
    last = time.monotonic()
    await registry.close()
    changes = lanes(plan) * batches(plan) * plan.batch
    return {"changes": changes, "last": last, "seconds": last - begin, "late_max_s": round(max(late), 4)}


async def _lane(plan: Plan, lane: Lane, registry: Registry, begin: float) -> float:
    """How late a transaction began at worst, in seconds."""
    every, late = plan.batch * lanes(plan) / plan.changes, 0.0
    for number in range(batches(plan)):
        change = lane.batch(plan.batch)
        due = begin + number * every
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late = max(late, time.monotonic() - due)
        await registry.write(change)
    return late


async def measure(plan: Plan, access: RegistryAccess, proxies: Sequence[Proxy], run: int) -> dict[str, Any]:
    """The proxies and their agents run, and are as `seeds` left the registry."""
    ended = await asyncio.to_thread(replayed, plan, run)
    want = wanted(ended)
    addresses = [proxy.host.v4 for proxy in proxies]
    async with await Child.start("load", plan.requests, plan.pools, *addresses) as load_child:
        await asyncio.sleep(WARM_S)
        words = (plan.dump(), access.endpoints[0], access.prefix, run)
        async with await Child.start("churn", *words) as churn_child:
            made = json.loads(await churn_child.line(plan.churn_s * 3 + 30))
        there = await asyncio.gather(*(_converged(proxy, want) for proxy in proxies))
        await asyncio.sleep(AFTER_S)
        requests = await load_child.end()
    await _compare(access, ended)
    return {
        "asked_per_s": plan.changes,
        "changes_per_s": round(made["changes"] / made["seconds"], 1),
        "changes": made["changes"],
        "late_max_s": made["late_max_s"],
        "converged_ms": round((max(there) - made["last"]) * 1000, 1),
        "converged_each_ms": [round((each - made["last"]) * 1000, 1) for each in there],
        "load": requests,
    }


async def _converged(proxy: Proxy, want: Wanted) -> float:
    """When a reading that has everything was complete. Raises BenchFailed."""
    ends = time.monotonic() + CONVERGED_WITHIN_S
    found: list[str] = []
    while time.monotonic() < ends:
        rows = await proxy.servers()
        read = time.monotonic()
        found = await asyncio.to_thread(differences, rows, want)
        if not found:
            return read
    raise BenchFailed(
        f"{proxy.host.name} is not as the registry after {CONVERGED_WITHIN_S:g} s: {'; '.join(found)}"
    )


async def _compare(access: RegistryAccess, ended: Sequence[Lane]) -> None:
    """What was waited for is what the registry has. Raises BenchFailed."""
    registry = connect(access)
    try:
        have = dict((await registry.read()).records)
    finally:
        await registry.close()
    expected = {key: value for lane in ended for key, value in lane.records().items()}
    other = [key for key in have.keys() | expected.keys() if have.get(key) != expected.get(key)]
    of_agents = [
        key
        for key in other
        if key in have and isinstance(decode(key, have[key]), HostState | FrontState | CheckState)
    ]
    if strange := sorted(set(other) - set(of_agents)):
        raise BenchFailed(
            f"the registry is not what was written: {len(strange)} keys, {', '.join(strange[:5])}"
        )
