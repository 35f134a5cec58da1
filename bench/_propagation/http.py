"""One kept connection to a proxy: a request at a time, and which address answered it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple

from _propagation.estate import HOST_NAME

LIMIT_S = 2.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Reply(NamedTuple):
    status: int
    body: str


class Ended(ConnectionError):
    """A connection that ended before a byte of the answer came."""


class Asker:
    """Raises OSError (TimeoutError after LIMIT_S), and ValueError for what is no HTTP."""

    def __init__(self, address: str, port: int = 80) -> None:
        self._address, self._port = address, port
        self._streams: Streams | None = None

    async def ask(self, path: str) -> Reply:
        """Over the kept connection. One that ended while it lay idle is replaced, as every client does
        (RFC 9112, 9.3.1).
        """
        try:
            async with asyncio.timeout(LIMIT_S):
                if self._streams is not None:
                    with suppress(Ended):
                        return await self._once(self._streams, path)
                self._streams = await asyncio.open_connection(self._address, self._port)
                return await self._once(self._streams, path)
        except BaseException:
            self.close()
            raise

    async def _once(self, streams: Streams, path: str) -> Reply:
        reader, writer = streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST_NAME}\r\n\r\n".encode())
        head = await _head(reader)
        try:
            body = await reader.readexactly(_length(head))
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("closed in the middle of an answer") from error
        if "connection: close" in head:
            self.close()
        return Reply(int(head.split(" ", 2)[1]), body.decode("latin-1").strip())

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _head(reader: asyncio.StreamReader) -> str:
    """In lower case."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionError("closed in the middle of a head") from error
        raise Ended("closed without an answer") from error
    except ConnectionError as error:
        raise Ended(str(error)) from error


def _length(head: str) -> int:
    _, found, rest = head.partition("\r\ncontent-length:")
    if not found:
        raise ValueError(f"an answer without a length: {head[:100]!r}")
    return int(rest.split("\r\n", 1)[0])
