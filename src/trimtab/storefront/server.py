"""The shop's HTTP/1.1 server: bounded requests, connections that stay, whole or streamed answers.

Callbacks instead of a task a connection: most answers come from memory and need no waiting, and dozens of
shops share a laptop's two cores with everything that is measured.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from trimtab.storefront import wire
from trimtab.storefront.wire import MAX_HEAD, Malformed, encode_chunk, encode_head

MAX_BODY = 64 * 1024
MAX_CONNECTIONS = 2000
IDLE_SECONDS = 75.0  # longer than a proxy keeps an idle connection: the proxy, which can retry, closes first
MESSAGE_SECONDS = 15.0
SWEEP_SECONDS = 5.0


class Request(NamedTuple):
    method: str
    path: str
    fields: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    """body: all of it, or pieces that are sent as they come (chunked)."""

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    fields: Mapping[str, str] = MappingProxyType({})


Handler = Callable[[Request], Response | Awaitable[Response]]


class Server:
    """Serves one handler on any number of listening sockets until `stop`. fields: sent with every answer."""

    def __init__(self, handler: Handler, fields: Mapping[str, str]) -> None:
        self.handler = handler
        self.fields = {"Content-Type": "text/plain; charset=utf-8", **fields}
        self.connections: set[Connection] = set()
        self.stopping = False
        self._listening: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None

    async def listen(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._listening.append(await loop.create_server(lambda: Connection(self), sock=sock, backlog=1024))
        self._sweeper = self._sweeper or loop.call_later(SWEEP_SECONDS, self._sweep)

    async def stop(self, seconds: float = 2.0) -> None:
        """Accept nothing more, end idle connections, give requests under way some seconds."""
        self.stopping = True
        for server in self._listening:
            server.close()
        if self._sweeper:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.end_if_idle()
        if busy := [connection.task for connection in self.connections if connection.task]:
            await asyncio.wait(busy, timeout=seconds)
        for connection in list(self.connections):
            connection.abort()

    def _sweep(self) -> None:
        """One timer for all connections is cheaper than one for each request."""
        loop = asyncio.get_running_loop()
        for connection in list(self.connections):
            connection.end_if_late(loop.time())
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep)


class Connection(asyncio.Protocol):
    """One client's connection: bytes in, requests to the handler in order, answers out."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._since = self._loop.time()
        self._writable = asyncio.Event()
        self._writable.set()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)
        if len(self._server.connections) > MAX_CONNECTIONS:
            self._refuse(Response(503, b"too many connections\n"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._writable.set()
        if self.task:
            self.task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._since = self._loop.time()
        self._buffer += data
        if self.task is None:
            self._advance()
        elif len(self._buffer) > MAX_HEAD + MAX_BODY:
            self.abort()  # pipelines without end

    def _advance(self) -> None:
        """Answer what can be answered at once; hand the rest to a task and go on when it is done."""
        try:
            while self.task is None and not self.transport.is_closing():
                taken = take_request(self._buffer)
                if taken is None:
                    return
                request, stays, self._buffer = taken
                self._answer(request, stays and not self._server.stopping)
        except ContinueExpected:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        except Malformed as fault:
            self._refuse(Response(fault.status, f"{fault}\n".encode()))

    def _answer(self, request: Request, stays: bool) -> None:
        try:
            answer = self._server.handler(request)
        except Exception as error:  # one bad request must not take the shop down
            complain(f"{request.method} {request.path}", error)
            answer = Response(500, b"internal error\n")
        if isinstance(answer, Response) and isinstance(answer.body, bytes):
            self._write(answer, answer.body, stays, request.method != "HEAD")
        else:
            self.task = self._loop.create_task(self._answer_later(request, answer, stays))

    async def _answer_later(
        self, request: Request, coming: Response | Awaitable[Response], stays: bool
    ) -> None:
        try:
            answer = coming if isinstance(coming, Response) else await coming
        except Exception as error:
            complain(f"{request.method} {request.path}", error)
            answer = Response(500, b"internal error\n")
        with_body = request.method != "HEAD"
        if isinstance(answer.body, bytes):
            self._write(answer, answer.body, stays, with_body)
        else:
            await self._stream(answer, answer.body, stays, with_body)
        self.task = None
        self._since = self._loop.time()
        self._advance()

    def _write(self, answer: Response, body: bytes, stays: bool, with_body: bool = True) -> None:
        head = self._head(answer, stays, {"Content-Length": str(len(body))})
        self.transport.write(head + body if with_body else head)
        self._since = self._loop.time()
        if not stays:
            self.transport.close()

    async def _stream(
        self, answer: Response, pieces: AsyncIterator[bytes], stays: bool, with_body: bool
    ) -> None:
        """Pieces as chunks. On an error the connection is cut: nobody may take a part for the whole."""
        self.transport.write(self._head(answer, stays, {"Transfer-Encoding": "chunked"}))
        try:
            async for piece in pieces:
                if piece and with_body:
                    self.transport.write(encode_chunk(piece))
                    async with asyncio.timeout(MESSAGE_SECONDS):
                        await self._writable.wait()
        except Exception as error:
            complain("an answer was cut short", error)
            self.abort()
            return
        if with_body:
            self.transport.write(encode_chunk(b""))
        if not stays:
            self.transport.close()

    def _head(self, answer: Response, stays: bool, length: Mapping[str, str]) -> bytes:
        connection = {"Connection": "keep-alive" if stays else "close"}
        start = f"HTTP/1.1 {answer.status} {wire.REASONS.get(answer.status, '')}"
        return encode_head(start, {**self._server.fields, **answer.fields, **length, **connection})

    def _refuse(self, answer: Response) -> None:
        assert isinstance(answer.body, bytes)
        self._write(answer, answer.body, stays=False)

    def end_if_idle(self) -> None:
        if self.task is None and not self._buffer:
            self.transport.close()

    def end_if_late(self, now: float) -> None:
        """A request that never ends and an idle connection both cost memory."""
        limit = MESSAGE_SECONDS if self._buffer else IDLE_SECONDS
        if self.task is None and now - self._since > limit:
            self.abort()

    def abort(self) -> None:
        self.transport.abort()


class ContinueExpected(Exception):
    """The client waits for leave before it sends the body."""


def take_request(buffer: bytes) -> tuple[Request, bool, bytes] | None:
    """The first whole request of a buffer, whether the connection stays, and the rest; None: more is needed.

    Raises Malformed, and ContinueExpected when the body was not sent for want of a go-ahead.
    """
    end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end < 0:
        if len(buffer) >= MAX_HEAD:
            raise Malformed("the head is too long", 431)
        return None
    head = wire.parse_head(buffer[:end])
    method, target, version = head.start
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Malformed(f"{version[:20]!r} is not spoken here", 505)
    body_ends = end + 4 + _body_length(head)
    if len(buffer) < body_ends:
        if len(buffer) == end + 4 and head.fields.get("expect", "").lower() == "100-continue":
            raise ContinueExpected
        return None
    request = Request(method, target.partition("?")[0], head.fields, buffer[end + 4 : body_ends])
    return request, head.keeps_alive(), buffer[body_ends:]


def _body_length(head: wire.Head) -> int:
    length = wire.declared_length(head)
    if "transfer-encoding" in head.fields:
        raise Malformed("send Content-Length, not a transfer coding", 411)
    if length is not None and length > MAX_BODY:
        raise Malformed(f"a body of {length} bytes; at most {MAX_BODY}", 413)
    return length or 0


def complain(what: str, error: Exception) -> None:
    print(f"{what}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def listening_sockets(addresses: list[str], port: int) -> list[socket.socket]:
    """One socket an address (port 0: the first one's choice for all). Raises OSError."""
    found = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        port = port or sock.getsockname()[1]
        found.append(sock)
    return found
