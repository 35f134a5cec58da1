"""One attempt at one request: TCP, TLS and HTTP as callbacks on a non-blocking socket.

The TLS object sits on the socket itself instead of on a transport of the event loop: that saves the copies,
and lets three such clients, 450 requests a second together, stay under half a core beside the twin.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from trimtab.drills.load.dial import Dial, error_name
from trimtab.drills.load.response import Response

if TYPE_CHECKING:
    from trimtab.drills.load.spec import Target


class Link:
    """An open TLS connection to a target. address: the one that answered."""

    __slots__ = ("address", "sock", "target", "used")

    def __init__(self, sock: ssl.SSLSocket, target: Target, address: str) -> None:
        self.sock, self.target, self.address, self.used = sock, target, address, 0

    def close(self) -> None:
        self.sock.close()


class Attempt:
    """Calls `done(attempt)` once. Then `error` is "" and `response` complete, or `error` says why not.

    link: the connection used, open only after success.  address: of the connection, the target's first where there was none.
    repeatable: a reused connection ended before a single byte of an answer came, which every client repeats at once on a
    fresh one (RFC 9112 9.3.1).
    """

    __slots__ = (
        "_dial",
        "_done",
        "_loop",
        "_request",
        "_sock",
        "_timer",
        "address",
        "error",
        "link",
        "repeatable",
        "response",
        "target",
    )

    def __init__(self, target: Target, request: bytes, done: Callable[[Attempt], None]) -> None:
        self.target, self._request, self._done = target, request, done
        self._loop = asyncio.get_running_loop()
        self._dial: Dial | None = None
        self._sock: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.link: Link | None = None
        self.response = Response()
        self.address = target.address
        self.error = ""
        self.repeatable = False

    def start(self, context: ssl.SSLContext, source: str, deadline: float) -> None:
        """Connect from `source` ("": any) and ask; `deadline` in the loop's time."""
        self._timer = self._loop.call_at(deadline, self._fail, "timeout")
        self._dial = Dial(
            (self.target.address, *self.target.others),
            self.target.port,
            source,
            lambda sock, address, error: self._dialled(context, sock, address, error),
        )
        self._dial.start()

    def resume(self, link: Link, deadline: float) -> None:
        """Ask on a connection that is open already."""
        self._timer = self._loop.call_at(deadline, self._fail, "timeout")
        self.link, self._sock, self.address = link, link.sock, link.address
        self._send()

    def _dialled(self, context: ssl.SSLContext, sock: socket.socket | None, address: str, error: str) -> None:
        if sock is None:
            self._fail(error)
            return
        self._sock, self.address = sock, address
        try:
            wrapped = context.wrap_socket(
                sock, do_handshake_on_connect=False, server_hostname=self.target.host
            )
        except OSError as failed:
            self._fail(_name(failed))
            return
        self._sock = wrapped
        self.link = Link(wrapped, self.target, address)
        self._loop.add_reader(wrapped.fileno(), self._shake)
        self._shake()
        if self._timer is not None:  # the end of the handshake then leaves in one packet with the request
            wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)

    def _shake(self) -> None:
        assert self.link is not None
        try:
            self.link.sock.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            self._fail(f"tls {_name(error)}")
            return
        self._send()
        if self._timer is not None:
            self.link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def _send(self) -> None:
        """The request fits an empty socket buffer, so it is sent whole or not at all."""
        assert self.link is not None
        try:
            self.link.sock.send(self._request)
        except OSError as error:
            self._lost(_name(error))
            return
        self._loop.add_reader(self.link.sock.fileno(), self._readable)

    def _readable(self) -> None:
        assert self.link is not None
        try:
            while not self.response.complete:
                data = self.link.sock.recv(65536)
                if not data:
                    self.response.at_end()
                    break
                self.response.feed(data)
        except ssl.SSLWantReadError:
            return
        except (OSError, ValueError) as error:
            self._lost(_name(error))
            return
        if not self.response.complete:
            self._lost("closed")
            return
        self._finish()

    def _lost(self, error: str) -> None:
        self.repeatable = self.link is not None and self.link.used > 0 and not self.response.data
        self._fail(error)

    def _fail(self, error: str) -> None:
        self.error = error
        self._finish()

    def _finish(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if self._dial is not None:
            self._dial.stop()
        if self._sock is not None and (number := self._sock.fileno()) >= 0:
            self._loop.remove_writer(number)
            self._loop.remove_reader(number)
        if self.link is not None:
            self.link.used += 1
        if self.error or not self.response.keeps_alive:
            if self._sock is not None:
                self._sock.close()
            self.link = None
        self._done(self)


def _name(error: Exception) -> str:
    """A short, stable word for an error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "ssl").lower()
    if isinstance(error, OSError) and error.errno:
        return error_name(error.errno)
    return str(error) or type(error).__name__
