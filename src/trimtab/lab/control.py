"""The control socket: one JSON line asks, one or more answer.

The last answer has {"done": true, ...} or {"error", "hint", "kind"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from trimtab.errors import BadInput, TrimtabError
from trimtab.lab.twin import Twin

Request = dict[str, Any]
Say = Callable[[dict[str, Any]], None]


class Control:
    """Serves one twin. `ended` is set when somebody has asked for the end."""

    def __init__(self, twin: Twin, started: asyncio.Future[None]) -> None:
        self._twin, self._started = twin, started
        self.ended = asyncio.Event()
        self._verbs: dict[str, Callable[[Request, Say], Awaitable[dict[str, Any]]]] = {
            "status": self._status,
            "power_cut": self._power_cut,
            "power_on": self._power_on,
            "programs": self._programs,
            "cut_cables": self._cut_cables,
            "mend_cables": self._mend_cables,
            "kill": self._kill,
            "unit": self._unit,
            "node_pid": self._node_pid,
            "wait_ready": self._wait_ready,
            "down": self._down,
        }

    async def serve(self, folder: Path) -> asyncio.Server:
        """Listen on `folder`/control.sock.

        Its full path may be too long for a socket, so go through the folder.
        """
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return await asyncio.start_unix_server(
                self._talk, f"/proc/self/fd/{fd}/control.sock", start_serving=True
            )
        finally:
            (folder / "control.sock").chmod(0o600)
            os.close(fd)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(answer: dict[str, Any]) -> None:
            writer.write(json.dumps(answer).encode() + b"\n")

        with contextlib.suppress(ConnectionError):
            line = await reader.readline()
            if line:
                answering = asyncio.ensure_future(self._answer(json.loads(line), say))
                leaving = asyncio.ensure_future(reader.read())  # who asked may go away while we work
                await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
                leaving.cancel()
                answering.cancel()
                if answering.done() and not answering.cancelled() and answering.exception():
                    say(
                        {
                            "error": f"the owner failed: {answering.exception()!r}",
                            "hint": "",
                            "kind": "TwinFailed",
                        }
                    )
            await writer.drain()
        writer.close()

    async def _answer(self, request: Request, say: Say) -> None:
        verb = self._verbs.get(request.get("op", ""))
        try:
            if verb is None:
                raise BadInput(f"no operation {request.get('op')!r}", f"known are {', '.join(self._verbs)}")
            say({**await verb(request, say), "done": True})
        except TrimtabError as error:
            kind = "BadInput" if isinstance(error, BadInput) else "TwinFailed"
            say({"error": error.message, "hint": error.hint, "kind": kind})

    async def _status(self, request: Request, say: Say) -> dict[str, Any]:
        return self._twin.status()

    async def _power_cut(self, request: Request, say: Say) -> dict[str, Any]:
        return {"at": await asyncio.shield(self._twin.power_cut(request["nodes"]))}

    async def _power_on(self, request: Request, say: Say) -> dict[str, Any]:
        await asyncio.shield(self._twin.power_on(request["nodes"], request.get("release")))
        return {}

    async def _programs(self, request: Request, say: Say) -> dict[str, Any]:
        await asyncio.shield(self._twin.programs(request["node"], request["release"]))
        return {}

    async def _cut_cables(self, request: Request, say: Say) -> dict[str, Any]:
        return {"at": await self._twin.cables(request["segments"], passes=False)}

    async def _mend_cables(self, request: Request, say: Say) -> dict[str, Any]:
        return {"at": await self._twin.cables(request["segments"], passes=True)}

    async def _kill(self, request: Request, say: Say) -> dict[str, Any]:
        return {"at": self._twin.kill(request["node"], request["unit"], request["signal"])}

    async def _unit(self, request: Request, say: Say) -> dict[str, Any]:
        await self._twin.unit(request["node"], request["unit"], request["verb"])
        return {}

    async def _node_pid(self, request: Request, say: Say) -> dict[str, Any]:
        return {"pid": self._twin.node_pid(request["node"])}

    async def _wait_ready(self, request: Request, say: Say) -> dict[str, Any]:
        say({"waiting": self._twin.waiting})
        await asyncio.shield(self._started)
        await self._twin.wait_ready(request["timeout"], lambda waiting: say({"waiting": waiting}))
        return {"ready_s": self._twin.ready_s}

    async def _down(self, request: Request, say: Say) -> dict[str, Any]:
        self.ended.set()
        return {}
