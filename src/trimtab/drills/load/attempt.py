"""One attempt at one request: TCP, TLS and HTTP as callbacks on a non-blocking socket.

The TLS object sits on the socket itself instead of on a transport of the event loop: that saves the copies,
and lets three such clients, 450 requests a second together, stay under half a core beside the twin.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from trimtab.drills.load.response import Response

if TYPE_CHECKING:
    from trimtab.drills.load.spec import Target

IP_BIND_ADDRESS_NO_PORT = 24  # the port is chosen at connect, so that 200 sources do not run out of ports


class Link:
    """An open TLS connection to a target."""

    __slots__ = ("sock", "target", "used")

    def __init__(self, sock: ssl.SSLSocket, target: Target) -> None:
        self.sock, self.target, self.used = sock, target, 0

    def close(self) -> None:
        self.sock.close()


class Attempt:
    """Calls `done(attempt)` once. Then `error` is "" and `response` complete, or `error` says why not.

    link: the connection used, open only after success.  repeatable: a reused connection ended before a single
    byte of an answer came, which every client repeats at once on a fresh one (RFC 9112 9.3.1).
    """

    __slots__ = (
        "_done",
        "_loop",
        "_request",
        "_sock",
        "_timer",
        "error",
        "link",
        "repeatable",
        "response",
        "target",
    )

    def __init__(self, target: Target, request: bytes, done: Callable[[Attempt], None]) -> None:
        self.target, self._request, self._done = target, request, done
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.link: Link | None = None
        self.response = Response()
        self.error = ""
        self.repeatable = False

    def start(self, context: ssl.SSLContext, source: str, deadline: float) -> None:
        """Connect from `source` ("": any) and ask; `deadline` in the loop's time."""
        self._timer = self._loop.call_at(deadline, self._fail, "timeout")
        sock = socket.socket(
            socket.AF_INET6 if self.target.family == 6 else socket.AF_INET, socket.SOCK_STREAM
        )
        self._sock = sock
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((source, 0))
            code = sock.connect_ex((self.target.address, self.target.port))
        except OSError as error:
            self._loop.call_soon(self._fail, _name(error))
            return
        if code not in (0, errno.EINPROGRESS):
            self._loop.call_soon(self._fail, errno.errorcode.get(code, str(code)))
            return
        self._loop.add_writer(sock.fileno(), self._connected, context)

    def resume(self, link: Link, deadline: float) -> None:
        """Ask on a connection that is open already."""
        self._timer = self._loop.call_at(deadline, self._fail, "timeout")
        self.link, self._sock = link, link.sock
        self._send()

    def _connected(self, context: ssl.SSLContext) -> None:
        assert self._sock is not None
        self._loop.remove_writer(self._sock.fileno())
        if code := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(errno.errorcode.get(code, str(code)))
            return
        try:
            wrapped = context.wrap_socket(
                self._sock, do_handshake_on_connect=False, server_hostname=self.target.host
            )
        except OSError as error:
            self._fail(_name(error))
            return
        self._sock = wrapped
        self.link = Link(wrapped, self.target)
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
        return errno.errorcode.get(error.errno, os.strerror(error.errno))
    return str(error) or type(error).__name__
