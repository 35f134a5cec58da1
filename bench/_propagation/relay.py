"""The way to another site: every byte arrives half a round trip later, in order, and the connection itself takes one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Relay:
    """Listens and hands on to one target. delay_s: one way."""

    def __init__(self, target: tuple[str, int], delay_s: float) -> None:
        self._target, self._delay_s = target, delay_s
        self._talks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        with suppress(OSError):
            await asyncio.sleep(2 * self._delay_s)
            other_reader, other_writer = await asyncio.open_connection(*self._target)
            try:
                await asyncio.gather(self._carry(reader, other_writer), self._carry(other_reader, writer))
            finally:
                other_writer.transport.abort()
        writer.transport.abort()
        self._talks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(self._delay_s, _write, writer, data)
        await asyncio.sleep(self._delay_s)
        writer.transport.abort()

    def end(self) -> None:
        for talk in self._talks:
            talk.cancel()


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


@asynccontextmanager
async def relayed(target: tuple[str, int], port: int, rtt_ms: float) -> AsyncIterator[None]:
    """Inside: port `port` of the target's address is the target, `rtt_ms` away."""
    relay = Relay(target, rtt_ms / 2000)
    server = await asyncio.start_server(relay.accept, target[0], port)
    try:
        yield
    finally:
        relay.end()
        server.close()
