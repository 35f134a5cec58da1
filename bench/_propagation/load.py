"""The requests that run while everything changes: open loop, so that a proxy that stalls does not slow them down."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from _propagation.figures import percentile
from _propagation.http import Asker
from _propagation.plan import name

MOST_SAID = 50  # failures that are kept word by word


@dataclass(slots=True)
class Count:
    """failures: (seconds since the begin, proxy, path, why).  late_max_s: how late a request was started at worst."""

    sent: int = 0
    failed: int = 0
    late_max_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    failures: list[tuple[float, str, str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        latencies = self.latencies_ms or [0.0]
        return {
            "sent": self.sent,
            "failed": self.failed,
            "late_max_s": round(self.late_max_s, 4),
            "latency_ms": {f"p{p:g}": round(percentile(latencies, p), 2) for p in (50, 99, 100)},
            "failures": self.failures,
        }


class Load:
    """Requests to one proxy, for pools by chance."""

    def __init__(self, address: str, rate: int, pools: int, count: Count, seed: int, port: int = 80) -> None:
        self._address, self._rate, self._pools, self._count = address, rate, pools, count
        self._port = port
        self._random = random.Random(seed)
        self._idle: list[Asker] = []
        self._begin = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; returns when the last answer has come."""
        self._begin = time.monotonic()
        number = 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                due = self._begin + number / self._rate
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                self._count.late_max_s = max(self._count.late_max_s, time.monotonic() - due)
                group.create_task(self._one())
                number += 1

    async def _one(self) -> None:
        path = f"/{name(self._random.randrange(self._pools))}/"
        asker = self._idle.pop() if self._idle else Asker(self._address, self._port)
        self._count.sent += 1
        began = time.monotonic()
        try:
            reply = await asker.ask(path)
            why = "" if reply.status == 200 else f"status {reply.status}"
        except (OSError, ValueError) as error:
            why = str(error) or type(error).__name__
        self._idle.append(asker)
        self._count.latencies_ms.append((time.monotonic() - began) * 1000)
        if why:
            self._fail(began, path, why)

    def _fail(self, began: float, path: str, why: str) -> None:
        self._count.failed += 1
        if len(self._count.failures) < MOST_SAID:
            self._count.failures.append((round(began - self._begin, 3), self._address, path, why))


async def child(addresses: Sequence[str], rate: int, pools: int) -> dict[str, Any]:
    """`rate` a second to each proxy, until standard input ends."""
    count, stop = Count(), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    loads = [Load(address, rate, pools, count, seed) for seed, address in enumerate(addresses)]
    await asyncio.gather(*(load.run(stop) for load in loads))
    return count.as_json()
