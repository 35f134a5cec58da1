"""A connection to one of several addresses, as a client with more than one A record makes it (RFC 8305, in one family).

The first one is tried; the next one as well once that has failed, or has been silent for ATTEMPT_DELAY_S. Whoever answers first has it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence

IP_BIND_ADDRESS_NO_PORT = 24  # the port is chosen at connect, so that 200 sources do not run out of ports
ATTEMPT_DELAY_S = 0.25  # RFC 8305, 5
Done = Callable[[socket.socket | None, str, str], None]


class Dial:
    """Calls `done(socket, address, error)` once: a connected socket and its address, or None, "" and why not."""

    __slots__ = ("_done", "_left", "_loop", "_open", "_port", "_source", "_timer")

    def __init__(self, addresses: Sequence[str], port: int, source: str, done: Done) -> None:
        """source: our address, "": any."""
        self._left, self._port, self._source, self._done = deque(addresses), port, source, done
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin with the first address that is left."""
        address = self._left.popleft()
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        self._open[address] = sock
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._source:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((self._source, 0))
            code = sock.connect_ex((address, self._port))
        except OSError as error:
            self._loop.call_soon(self._failed, address, error_name(error.errno or 0))
            return
        if code not in (0, errno.EINPROGRESS):
            self._loop.call_soon(self._failed, address, error_name(code))
            return
        self._loop.add_writer(sock.fileno(), self._answered, address)
        if self._left:
            self._timer = self._loop.call_later(ATTEMPT_DELAY_S, self.start)

    def stop(self) -> None:
        """Give up whatever is under way; `done` is not called any more."""
        if self._timer is not None:
            self._timer.cancel()
        for sock in self._open.values():
            if sock.fileno() >= 0:
                self._loop.remove_writer(sock.fileno())
                sock.close()
        self._open.clear()
        self._left.clear()

    def _answered(self, address: str) -> None:
        sock = self._open[address]
        if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._failed(address, error_name(code))
            return
        self._loop.remove_writer(sock.fileno())
        del self._open[address]
        self.stop()
        self._done(sock, address, "")

    def _failed(self, address: str, error: str) -> None:
        """The next one at once, if there is one."""
        sock = self._open.pop(address, None)
        if sock is None:  # given up meanwhile
            return
        self._loop.remove_writer(sock.fileno())
        sock.close()
        if self._left:
            if self._timer is not None:
                self._timer.cancel()
            self.start()
        elif not self._open:
            self._done(None, "", error)


def error_name(code: int) -> str:
    """A short, stable word for an error of the system."""
    return errno.errorcode.get(code, os.strerror(code))
