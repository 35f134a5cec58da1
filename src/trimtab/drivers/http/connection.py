"""One connection: h11 over asyncio streams. What the world raises becomes an error of `trimtab.errors` here."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import h11

from trimtab.drivers.http.address import Address
from trimtab.drivers.http.tls import TlsFiles
from trimtab.errors import InvalidResponse, Refused, Unreachable

MAX_HEAD = 16 * 1024
READ = 64 * 1024
# A path that swallows packets: the kernel asks after 2 s of silence and gives up 2 s later.
KEEPALIVE = (
    (socket.TCP_KEEPIDLE, 2),
    (socket.TCP_KEEPINTVL, 1),
    (socket.TCP_KEEPCNT, 2),
    (socket.TCP_USER_TIMEOUT, 4000),
)


class NotDone(Unreachable):
    """It certainly did nothing: no request reached it, or it said so. The same may be asked elsewhere."""


class Untrusted(Refused):
    """The other end is not who it should be, or does not accept who we are. Another one may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """connect_s: TCP, and once more for TLS; answer_s: silence; whole_s: a whole answer; max_body: bytes of one."""

    connect_s: float = 1.0
    answer_s: float = 2.0
    whole_s: float = 10.0
    max_body: int = 32 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """status; fields by lower-case name; body."""

    status: int
    fields: Mapping[str, str]
    body: bytes = b""


class Connection:
    """Made by `open_to`. One request at a time; after any error it is of no more use."""

    def __init__(self, who: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.who = who
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._why, self._heard = "", False

    async def send(
        self, method: str, target: str, fields: Mapping[str, str], body: bytes, within: float
    ) -> None:
        headers = [("Host", self.who), ("Content-Length", str(len(body))), *fields.items()]
        async with self._translated(within):
            for event in (
                h11.Request(method=method, target=target, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self._writer.write(self._http.send(event) or b"")
            await self._writer.drain()

    async def head(self, within: float) -> Answer:
        """Status and fields. Raises Unreachable, InvalidResponse."""
        async with self._translated(within):
            event = await self._event()
            while isinstance(event, h11.InformationalResponse):
                event = await self._event()
        if not isinstance(event, h11.Response):
            raise Unreachable(f"{self.who} closed without an answer", self._hint())
        return Answer(
            event.status_code, {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in event.headers}
        )

    async def piece(self, within: float | None) -> bytes:
        """The next bytes of the body, b"" at its end. within: seconds, None for as long as it takes."""
        async with self._translated(within):
            event = await self._event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            return b""
        raise Unreachable(f"{self.who} closed in the middle of an answer")

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(READ)
            self._http.receive_data(data)
            self._heard = self._heard or bool(data)
            if not data:
                return self._last_event()
        return event

    def _last_event(self) -> Any:
        """h11 calls an answer that was cut short a protocol error; for us it is a lost connection."""
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError:
            return h11.ConnectionClosed()

    def reuse(self) -> bool:
        """Whether the next request can go over it."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return self.fresh()
        return False

    def fresh(self) -> bool:
        """Whether nobody has ended it while it lay idle."""
        return not (self._reader.at_eof() or self._writer.is_closing() or self._reader.exception())

    def close(self, why: str = "") -> None:
        """At once. why: what whoever still waits on it is told."""
        self._why = self._why or why
        self._writer.transport.abort()

    def _hint(self) -> str:
        """A server that refuses a certificate of TLS 1.3 ends the connection while we send, before its alert is read."""
        tls = self._writer.get_extra_info("ssl_object") is not None
        return "perhaps it does not accept our certificate" if tls and not self._heard else ""

    @asynccontextmanager
    async def _translated(self, within: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within):
                yield
        except BaseException as error:
            self.close()
            if self._why and isinstance(error, OSError):
                raise Unreachable(self._why) from error
            if isinstance(error, TimeoutError):
                raise Unreachable(f"{self.who} gave no answer within {within:g} s") from error
            if isinstance(error, ssl.SSLError):  # with TLS 1.3 a client's certificate is refused only now
                raise _of_tls(self.who, error, Unreachable) from error
            if isinstance(error, OSError):
                raise Unreachable(f"{self.who}: {error}", self._hint()) from error
            if isinstance(error, h11.ProtocolError):
                raise InvalidResponse(f"{self.who} does not speak HTTP: {error}") from error
            raise
        if self._why:
            raise Unreachable(self._why)


async def open_to(address: Address, tls: TlsFiles, limits: Limits) -> Connection:
    """Raises NotDone, and Untrusted or Refused for TLS that cannot be."""
    context = tls.context() if address.tls else None
    name = address.host if context else None
    within = limits.connect_s * (2 if context else 1)
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, server_hostname=name
            )
    except TimeoutError as error:
        raise NotDone(f"{address} does not take a connection within {within:g} s") from error
    except ssl.SSLError as error:
        raise _of_tls(str(address), error, NotDone) from error
    except OSError as error:
        raise NotDone(f"{address}: {error}") from error
    _keepalive(writer)
    return Connection(address.authority, reader, writer)


def _of_tls(who: str, error: ssl.SSLError, lost: type[Unreachable]) -> Unreachable | Untrusted:
    """An alert, or a certificate that does not verify, is a no; the rest is a connection that broke."""
    reason = getattr(error, "verify_message", "") or error.reason or str(error)
    said_no = (
        isinstance(error, ssl.SSLCertVerificationError) or "ALERT" in reason or "WRONG_VERSION" in reason
    )
    return (Untrusted if said_no else lost)(f"{who}: TLS: {reason}")


def _keepalive(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
