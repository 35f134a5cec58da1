"""Clients that connect and then ask nothing, as one process: `python -m trimtab.drills.load.flood`, told by a line of JSON.

A third each: TCP to port 80, TCP to port 443, TLS to port 443. Whoever is closed stays closed. Prints one line, how many
connections stand, once all have been tried; ends by a signal, or by itself when its time is over.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PID = Path("/run/trimtab-flood.pid")
AT_ONCE = 40  # connections that are being made at a moment
LIMIT_S = 3.0  # for each; one that waits in a queue longer is one that waits, and stays

Standing = list[asyncio.StreamWriter]


async def _connect(address: str, port: int, context: ssl.SSLContext | None, name: str) -> Any:
    named = name if context else None
    return await asyncio.open_connection(address, port, ssl=context, server_hostname=named)


async def _one(
    turn: int, told: Mapping[str, Any], context: ssl.SSLContext, gate: asyncio.Semaphore, standing: Standing
) -> None:
    addresses = told["addresses"]
    port, secured = ((80, False), (443, False), (443, True))[turn % 3]
    address = addresses[turn // 3 % len(addresses)]
    async with gate:
        try:
            async with asyncio.timeout(LIMIT_S):
                _, writer = await _connect(address, port, context if secured else None, told["name"])
        except (OSError, TimeoutError):
            return
    standing.append(writer)


async def flood(told: Mapping[str, Any]) -> None:
    """told: addresses, name (for TLS), connections, seconds."""
    gate, standing, context = asyncio.Semaphore(AT_ONCE), Standing(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    turns = range(told["connections"])
    await asyncio.gather(*(_one(turn, told, context, gate, standing) for turn in turns))
    stand = sum(not writer.transport.is_closing() for writer in standing)
    print(json.dumps({"connections": told["connections"], "stand": stand}), flush=True)
    await asyncio.sleep(told["seconds"])


def main() -> None:
    told = json.loads(sys.stdin.readline())
    PID.write_text(str(os.getpid()))
    asyncio.run(flood(told))


if __name__ == "__main__":
    main()
