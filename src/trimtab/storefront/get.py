"""`trimtab-storefront orders`: the ledger's `get`. A complete listing or none."""

from __future__ import annotations

import asyncio
import json
import time

from trimtab.storefront.pace import backoff
from trimtab.storefront.target import Target
from trimtab.storefront.wire import Malformed

TOTAL_SECONDS = 30.0
SILENCE_SECONDS = 6.0


class Incomplete(Exception):
    """No complete listing within the time."""


def read_listing(text: str) -> dict[str, int]:
    """The lines of GET /orders as count by key. Raises ValueError unless the last line says it is all."""
    lines = [json.loads(line) for line in text.splitlines()]
    if not lines or lines[-1].get("complete") is not True:
        raise ValueError("the listing has no end")
    counts = {line["key"]: int(line["count"]) for line in lines[:-1]}
    if len(counts) != lines[-1]["orders"] or len(counts) != len(lines) - 1:
        raise ValueError(f"the listing says {lines[-1]['orders']} orders and has {len(counts)}")
    return counts


async def run_get(url: str, total: float = TOTAL_SECONDS) -> dict[str, int]:
    """Every stored key with how often it was written. Raises Incomplete, ValueError for a bad URL."""
    target = Target(url)
    ends, failures, reason = time.monotonic() + total, 0, "no time"
    while (left := ends - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(left):
                return read_listing(await _listing(target))
        except (OSError, Malformed, ValueError, KeyError) as error:
            failures += 1
            reason = str(error) or type(error).__name__
        finally:
            target.close()
        await asyncio.sleep(min(backoff(failures), max(0.0, ends - time.monotonic())))
    raise Incomplete(f"no complete list of orders from {url} in {total:g} s: {reason}")


async def _listing(target: Target) -> str:
    connection, _ = await target.connection()
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            head = await connection.send("GET", "/orders", {})
        if head.start[1] != "200":
            raise ConnectionError(f"the answer is {head.start[1]}")
        pieces: list[bytes] = []
        body = connection.body(head)
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                piece = await anext(body, None)
            if piece is None:
                return b"".join(pieces).decode()
            pieces.append(piece)
    finally:
        connection.close()
