"""`trimtab-storefront order`, the ledger's `put`: lines KEY PAYLOAD in, lines KEY ok|failed|unknown out.

ok: the shop acknowledged. failed: certainly not stored. unknown: it may be stored, nobody said. Before that, a line
KEY later STATUS for an order that the shop has refused for now and that is tried again.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Literal

from trimtab.storefront.connection import Answer
from trimtab.storefront.pace import RoundTrip, attempt_timeout, backoff
from trimtab.storefront.target import Target
from trimtab.storefront.wire import Malformed

TOTAL_SECONDS = 12.0
MAX_AT_ONCE = 512
MAX_FIRST = 32  # attempts at the same time; every new order also probes whether the shop is back
MAX_AGAIN = (
    16  # further attempts get fewer places, so that an outage does not end under a storm of its own retries
)
Outcome = Literal["ok", "failed", "unknown"]
Attempt = Literal["stored", "refused", "not-sent", "not-stored", "unknown"]


def judge(status: int, fields: Mapping[str, str] = MappingProxyType({})) -> Attempt:
    """What an answer says about the order; refused is final, the last two are tried again."""
    if status in (200, 201):
        return "stored"
    if status == 429 or fields.get("x-order-stored") == "no":
        return "not-stored"
    return "refused" if 400 <= status < 500 and status != 408 else "unknown"


class Orders:
    """Places orders at one target. One instance for the life of the process: it learns the round trip."""

    def __init__(self, target: Target, later: Callable[[str, int], None] = lambda key, status: None) -> None:
        self._target, self._later = target, later
        self._answer = RoundTrip(guess=0.3)
        self._places = asyncio.Semaphore(MAX_FIRST), asyncio.Semaphore(MAX_AGAIN)

    async def place(self, key: str, payload: str, total: float = TOTAL_SECONDS) -> Outcome:
        """Try until the shop acknowledged or refused, `total` seconds at most."""
        ends = time.monotonic() + total
        may_be_stored, failures = False, 0
        while (left := ends - time.monotonic()) > 0:
            attempt, reused = await self._in_turn(key, payload, failures, left)
            if attempt == "stored":
                return "ok"
            may_be_stored = may_be_stored or attempt == "unknown"
            if attempt == "refused":
                break
            if not reused:  # an idle connection that had died says nothing about the shop: try afresh at once
                failures += 1
                await asyncio.sleep(min(backoff(failures), max(0.0, ends - time.monotonic())))
        return "unknown" if may_be_stored else "failed"

    async def _in_turn(self, key: str, payload: str, failures: int, left: float) -> tuple[Attempt, bool]:
        """One attempt when there is a place for it; waiting for one counts against the order's time."""
        began = time.monotonic()
        places = self._places[failures > 0]
        try:
            async with asyncio.timeout(left):
                await places.acquire()
        except TimeoutError:
            return "not-sent", False
        try:
            return await self._attempt(key, payload, failures, left - (time.monotonic() - began))
        finally:
            places.release()

    async def _attempt(self, key: str, payload: str, failures: int, left: float) -> tuple[Attempt, bool]:
        try:
            async with asyncio.timeout(left):
                connection, reused = await self._target.connection()
        except OSError:
            return "not-sent", False
        started = time.monotonic()
        patience = attempt_timeout(self._answer, failures, floor=0.6, ceiling=2.5)
        try:
            fields = {"Idempotency-Key": key, "Content-Type": "text/plain; charset=utf-8"}
            async with asyncio.timeout(min(left, patience)):
                answer: Answer = await connection.request("POST", "/orders", fields, payload.encode())
        except TimeoutError:
            self._target.broken(connection)
            return "unknown", False
        except (OSError, Malformed):
            self._target.broken(connection)
            return "unknown", reused
        self._target.put_back(connection)
        if answer.status < 500:
            self._answer.measured(time.monotonic() - started)
        if answer.status in (429, *range(500, 600)):
            self._later(key, answer.status)
        return judge(answer.status, answer.fields), False


async def run_put(url: str) -> None:
    """Serve standard input to its end, then until the last order is answered. ValueError for a bad URL."""
    put_off: set[str] = set()

    def later(key: str, status: int) -> None:
        """Once an order: that it waits is told, not how often."""
        if key not in put_off:
            put_off.add(key)
            print(key, "later", status, flush=True)

    orders = Orders(target := Target(url), later)
    room = asyncio.Semaphore(MAX_AT_ONCE)
    under_way: set[asyncio.Task[None]] = set()

    async def one(key: str, payload: str) -> None:
        try:
            print(key, await orders.place(key, payload), flush=True)
        finally:
            put_off.discard(key)
            room.release()

    async for line in input_lines():
        key, _, payload = line.partition(" ")
        if key and payload:
            await room.acquire()
            task = asyncio.create_task(one(key, payload))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        elif key:
            print(key, "failed", flush=True)  # a key without a payload is sent nowhere
    await asyncio.gather(*under_way)
    target.close()


async def input_lines() -> AsyncIterator[str]:
    """Lines of standard input. A pipe is awaited, so that answers are written in the meantime."""
    if stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        for line in sys.stdin:
            yield line.rstrip("\n")
        return
    reader = asyncio.StreamReader(limit=1024 * 1024)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line_bytes := await reader.readline():
        yield line_bytes.decode().rstrip("\n")
