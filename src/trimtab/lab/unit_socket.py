"""systemd's stand-in inside a node: its units told, started, stopped and reloaded over a unix socket in the node's own /run.

The other end is `drivers/units/socket.py`. One JSON line asks, one answers; errors are {"error": text}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from trimtab.errors import TrimtabError
from trimtab.lab.node import Machine

PATH = "/run/trimtab-lab/units.sock"
VERBS = ("restart", "reload", "start", "stop", "reread")

Show = Callable[[], list[dict[str, Any]]]
Act = Callable[[str, str], Awaitable[str]]


class UnitSocket:
    """Of one machine. show: its units as `Twin.status` tells them; act(unit, verb): does it, and says what went wrong, of
    "reread" for all units together.
    """

    def __init__(self, machine: Machine, show: Show, act: Act) -> None:
        self._machine, self._show, self._act = machine, show, act
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """After each boot: /run is empty then. Raises TwinFailed without power."""
        path = self._machine.inside(PATH)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, str(path))
        path.chmod(0o600)

    def close(self) -> None:
        """The power is gone; whoever waits for an answer gets none."""
        if self._server:
            self._server.close()
            self._server = None
        for talk in self._talks:
            talk.cancel()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            with contextlib.suppress(ConnectionError, ValueError):  # ValueError: a line without an end
                if line := await reader.readline():
                    writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                    await writer.drain()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        """What is asked is done even if who asked goes away meanwhile, as with systemd."""
        try:
            request = json.loads(line)
            op, unit = request["op"], str(request.get("unit", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"error": "one JSON object is expected: op, unit"}
        if op == "show":
            return {"units": self._show()}
        if op not in VERBS:
            return {"error": f"no operation {op!a}: show, {', '.join(VERBS)}"}
        try:
            problem = await self._act(unit, op)
        except TrimtabError as error:
            problem = f"{error.message} {error.hint}".strip()
        return {"error": problem} if problem else {"ok": True}
