"""One client connection that stays open between requests: TCP, TLS when asked for, one request at a time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from trimtab.storefront.wire import MAX_HEAD, Body, Head, body_of_response, encode_head, parse_head

MAX_ANSWER = 4 * 1024 * 1024
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ConnectionEnded(ConnectionError):
    """The other end closed before its answer was complete."""


class Peer(NamedTuple):
    """Where to connect. address: literal IP; host: for SNI, its check and Host; tls: None for plain."""

    address: str
    port: int
    host: str
    tls: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


class Answer(NamedTuple):
    """A whole response."""

    status: int
    fields: Mapping[str, str]
    body: bytes


class Connection:
    """Made by `connect`. `reusable` is false once anything went wrong or the other end said close."""

    def __init__(self, peer: Peer, streams: Streams, rtt: float) -> None:
        self.peer, self.connect_seconds, self.reusable = peer, rtt, True
        self._reader, self._writer = streams

    async def request(self, method: str, target: str, fields: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send a request, give the whole answer. Raises OSError (ConnectionEnded), Malformed."""
        pieces = []
        size = 0
        head = await self.send(method, target, fields, body)
        async for piece in self.body(head):
            size += len(piece)
            if size > MAX_ANSWER:
                raise ConnectionEnded(f"an answer of more than {MAX_ANSWER} bytes")
            pieces.append(piece)
        return Answer(int(head.start[1]), head.fields, b"".join(pieces))

    async def send(self, method: str, target: str, fields: Mapping[str, str], body: bytes = b"") -> Head:
        """Send a request, give the answer's head; `body` must be read to its end before the next request."""
        reusable, self.reusable = self.reusable, False
        if not reusable:
            raise ConnectionEnded("the connection is used up")
        headers = {"Host": self.peer.authority, **fields}
        if body:
            headers["Content-Length"] = str(len(body))
        self._writer.write(encode_head(f"{method} {target} HTTP/1.1", headers) + body)
        await self._writer.drain()
        return await self._read_head()

    async def _read_head(self) -> Head:
        try:
            head = parse_head(await self._reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError as end:
            raise ConnectionEnded("closed before an answer") from end
        except asyncio.LimitOverrunError as end:
            raise ConnectionEnded(f"an answer whose head is longer than {MAX_HEAD} bytes") from end
        if not head.start[0].startswith("HTTP/1.") or not head.start[1].isdecimal():
            raise ConnectionEnded("not an HTTP answer")
        return head

    async def body(self, head: Head) -> AsyncIterator[bytes]:
        """The body's bytes as they come. Raises ConnectionEnded when it is cut short."""
        body: Body = body_of_response(head)
        while not body.done:
            data = await self._reader.read(65536)
            if not data:
                if body.ends_with_connection:
                    return
                raise ConnectionEnded("closed in the middle of an answer")
            if piece := body.feed(data):
                yield piece
        self.reusable = head.keeps_alive()

    def closed_by_peer(self) -> bool:
        """Whether an idle connection has already been ended by the other side."""
        return self._reader.at_eof() or self._writer.is_closing() or self._reader.exception() is not None

    def close(self) -> None:
        """End it at once; whatever was under way is lost."""
        self.reusable = False
        self._writer.transport.abort()


async def connect(peer: Peer, tcp_timeout: float, tls_timeout: float) -> Connection:
    """Open a connection, limits in seconds. Raises OSError, with TimeoutError and ssl.SSLError among them."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in peer.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.monotonic()
        async with asyncio.timeout(tcp_timeout):
            await loop.sock_connect(sock, (peer.address, peer.port))
    except BaseException:
        sock.close()
        raise
    rtt = time.monotonic() - started
    # From here on the socket is the transport's, which also ends it when the handshake fails: closing it here would
    # give its number to the next socket while the event loop still watches it for this one.
    async with asyncio.timeout(tls_timeout):
        streams = await asyncio.open_connection(
            sock=sock, limit=MAX_HEAD, ssl=peer.tls, server_hostname=peer.host if peer.tls else None
        )
    return Connection(peer, streams, rtt)
