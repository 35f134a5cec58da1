"""Who gets a processor first where 24 hosts share two: `Nice=` of their units, made true for whole sessions.

A session is a group of its own to the scheduler, and a nice value counts inside it only; the group's own is written to
/proc/PID/autogroup (sched(7), "The autogroup feature"). Below zero, and more than ten times a second, only who is root
outside may do it: so the owner, root in its own namespace alone, opens the file, and outer writes to it. Where outer is
nobody's root either, what is below zero stays at zero, and the others wait for their turn.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

Ask = Callable[[int, int], None]
FIRST = -15
AGAIN_S = 0.1  # the kernel's pause between two values of whoever is not root
LONGEST = 16


class Asker:
    """The owner's side. One message a process: the value, and beside it the open file."""

    def __init__(self, fd: int) -> None:
        self._sock = socket.socket(fileno=fd)
        self._sock.setblocking(False)

    def __call__(self, pid: int, nice: int) -> None:
        """The session of `pid` is to have this nice value, -20 to 19. It is a wish: what fails changes nothing."""
        if nice == 0:
            return
        with contextlib.suppress(OSError):  # no autogroups here, or the process is gone
            file = os.open(f"/proc/{pid}/autogroup", os.O_RDWR | os.O_CLOEXEC)
            try:
                socket.send_fds(self._sock, [str(nice).encode()], [file])
            finally:
                os.close(file)


def first(pid: int) -> None:
    """Have the session of `pid`, a process outside the owner, come first, where we may: a clock that waits tells nothing."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(FIRST))


class Writer:
    """Outer's side: what has been asked for and not yet written."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._waiting: deque[tuple[bytes, int]] = deque()

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def again_s(self) -> float | None:
        """When to call `write` again, None: not before there is something to read."""
        return AGAIN_S if self._waiting else None

    def read(self) -> bool:
        """Take in what was asked; False when nobody will ask any more."""
        while True:
            try:
                value, files, *_ = socket.recv_fds(self._sock, LONGEST, 1)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not value:
                return False
            self._waiting += [(value, file) for file in files]

    def write(self) -> None:
        """In the order in which they were asked; up to the first that the kernel wants to be asked again."""
        while self._waiting:
            value, file = self._waiting[0]
            try:
                os.write(file, value)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return
            self._waiting.popleft()
            os.close(file)
