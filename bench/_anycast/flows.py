"""Clients and servers of a planned move, run inside machines: `serve WORD`, or `ask ADDRESS RATE KEPT` until standard input ends.

A client begins a connection at its turn, whether or not those before it have an answer (open loop), and gives it a second. Kept
connections ask ten times a second over one that stays; one whose answer does not come is over, and is not begun anew.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter

PORT, PATIENCE_S, EVERY_S = 80, 1.0, 0.1


async def serve(word: str) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(64):
                writer.write(word.encode() + b"\n")
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(one, "0.0.0.0", PORT, backlog=1024) as server:
        await server.serve_forever()


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    writer.write(b"?")
    return (await asyncio.wait_for(reader.readline(), PATIENCE_S)).decode().strip()


class Clients:
    def __init__(self, address: str, sources: list[str]) -> None:
        self._address, self._sources = address, sources
        self.by: Counter[str] = Counter()
        self.failed: list[tuple[float, str]] = []
        self.kept: list[str] = []
        self.late_s = 0.0

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        from_ = (random.choice(self._sources), 0)
        opened = asyncio.open_connection(self._address, PORT, local_addr=from_)
        return await asyncio.wait_for(opened, PATIENCE_S)

    async def new(self) -> None:
        at, writer = time.monotonic(), None
        try:
            reader, writer = await self._open()
            if not (word := await asked(reader, writer)):
                raise ConnectionError("closed without an answer")
            self.by[word] += 1
        except (OSError, TimeoutError) as error:
            self.failed.append((at, type(error).__name__))
        finally:
            if writer is not None:
                writer.close()

    async def keep(self) -> None:
        """How it ended is told as the word for it; `kept` is one that nothing ended."""
        try:
            reader, writer = await self._open()
            while await asked(reader, writer):  # noqa: ASYNC110 - a pause between questions
                await asyncio.sleep(EVERY_S)
            self.kept.append("closed")
        except asyncio.CancelledError:
            self.kept.append("kept")
        except (OSError, TimeoutError) as error:
            self.kept.append(type(error).__name__)

    async def run(self, rate: float, kept: int) -> None:
        stays = [asyncio.create_task(self.keep()) for _ in range(kept)]
        over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        began, number, running = time.monotonic(), 0, set()
        while not over.done():
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.late_s = max(self.late_s, time.monotonic() - due)
            running.add(task := asyncio.create_task(self.new()))
            task.add_done_callback(running.discard)
            number += 1
        await asyncio.gather(*running)
        for task in stays:
            task.cancel()
        await asyncio.gather(*stays, return_exceptions=True)


def main() -> None:
    if sys.argv[1] == "serve":
        asyncio.run(serve(sys.argv[2]))
        return
    address, rate, kept, *sources = sys.argv[2:]
    clients = Clients(address, sources)
    asyncio.run(clients.run(float(rate), int(kept)))
    found = {
        "by": clients.by,
        "failed": clients.failed,
        "kept": Counter(clients.kept),
        "late_s": clients.late_s,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
