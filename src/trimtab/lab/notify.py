"""sd_notify: the socket a unit of Type=notify tells READY=1 to. It lies in the node's own /run."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from trimtab.lab.node import Machine

FOLDER = "/run/systemd/notify"


class NotifySocket:
    """Bound when made; `path` is how the unit's processes see it."""

    def __init__(self, machine: Machine, unit: str) -> None:
        self.path = f"{FOLDER}/{unit}"
        self._file = machine.inside(self.path)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self._file))
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    async def ready(self) -> None:
        await asyncio.shield(self._ready)

    @property
    def heard(self) -> bool:
        """Whether READY=1 has come."""
        return self._ready.done()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        with contextlib.suppress(OSError):  # gone with the node
            self._file.unlink()

    def _hear(self) -> None:
        message = self._socket.recv(4096).decode(errors="replace")
        if "READY=1" in message.splitlines() and not self._ready.done():
            self._ready.set_result(None)
