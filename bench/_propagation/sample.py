"""One sample: an endpoint is registered, and requests to its pool are made until it has served one of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from _propagation.changes import member, registration, removal
from _propagation.children import BenchFailed
from _propagation.http import Asker
from _propagation.plan import OURS, Plan, fresh_addresses, name
from trimtab.registry.base import Registry

SERVED_WITHIN_S = 15.0
MOST_PER_S = 2000  # requests: as fast as they go they would take the processor from what is measured
# Between two samples, by chance, so that none is in step with anything; the removal of the one before is over by then.
REST_S = (0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Sample:
    """asked_ms: from the moment the registration was asked for to the first request served.  served_ms: the same from
    its acknowledgement, which is when it became true.  requests: that were made meanwhile.  rtt_ms: of the registrar.
    """

    kind: str
    pool: str
    asked_ms: float
    served_ms: float
    requests: int
    failed: int
    rtt_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


Change = Callable[[], Awaitable[Any]]


class Sampler:
    """Samples at one proxy. Pools come in an order by chance, and each sample has an address that nobody had."""

    def __init__(self, plan: Plan, address: str, seed: int) -> None:
        self._plan, self._random = plan, random.Random(seed)
        self._asker = Asker(address)
        self._fresh = fresh_addresses()
        self._pools = self._shuffled()

    def _shuffled(self) -> Iterator[int]:
        while True:
            yield from self._random.sample(range(self._plan.pools), self._plan.pools)

    def next(self) -> tuple[int, str]:
        return next(self._pools), next(self._fresh)

    async def rest(self) -> None:
        await asyncio.sleep(self._random.uniform(*REST_S))

    async def timed(self, kind: str, pool: int, address: str, change: Change) -> Sample:
        """Make `change` while requests run, and wait for the first answer from `address`. It is true when `change`
        returns. Raises BenchFailed.
        """
        await self._ask(pool)  # the connection is there
        asked = time.monotonic()
        changing = asyncio.create_task(_then_now(change))
        requests = failed = 0
        while True:
            said = await self._ask(pool)
            requests, failed, now = requests + 1, failed + (said is None), time.monotonic()
            if said == address:
                break
            if now - asked > SERVED_WITHIN_S:
                raise BenchFailed(
                    f"{kind}: {address} in {name(pool)} has served nothing in {SERVED_WITHIN_S:g} s"
                )
            await asyncio.sleep(max(0.0, asked + requests / MOST_PER_S - now))
        true = await changing
        return Sample(kind, name(pool), _ms(now - asked), _ms(now - true), requests, failed)

    async def _ask(self, pool: int) -> str | None:
        """Which address answered; None for a failure. A reload closes connections, and says so."""
        try:
            reply = await self._asker.ask(f"/{name(pool)}/")
        except (OSError, ValueError):
            return None
        return reply.body if reply.status == 200 else None

    def close(self) -> None:
        self._asker.close()


class Ours:
    """Registers in the registry. near: takes members out again."""

    def __init__(self, plan: Plan, sampler: Sampler, near: Registry) -> None:
        self._plan, self._sampler, self._near = plan, sampler, near

    async def sample(
        self, kind: str = OURS, number: int = 0, registrar: Registry | None = None, rtt_ms: float = 0.0
    ) -> Sample:
        """number: in the pool; by default the first one that nobody has."""
        pool, address = self._sampler.next()
        each = replace(member(self._plan, pool, number or self._plan.members + 1), address=address)
        by = registrar or self._near
        found = await self._sampler.timed(kind, pool, address, lambda: by.write(registration(each)))
        await self._near.write(removal(each))
        await self._sampler.rest()
        return replace(found, rtt_ms=rtt_ms)


async def _then_now(change: Change) -> float:
    await change()
    return time.monotonic()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
