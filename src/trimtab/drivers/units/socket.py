"""The stand-in for systemd in a twin: a unix socket, one JSON line asked and one answered; see `lab/unit_socket.py`.

{"op": "show"}                                  {"units": [{"unit", "state", "pid", "restarts"}]}
{"op": "restart" | "reload" | "start" | "stop", "unit": NAME}      {"ok": true}, or {"error": "why not"}
{"op": "reread"}                                the same
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.drivers.units.base import Active, UnitState, checked
from trimtab.errors import InvalidResponse, Refused, Unreachable

ASK_S = 2.0
ACT_S = 60.0  # a daemon may take its TimeoutStopSec= to go
MAX_LINE = 2**20  # bytes
STATES: dict[str, Active] = {
    "active": "active",
    "exited": "active",
    "activating": "activating",
    "auto-restart": "activating",
    "deactivating": "deactivating",
    "inactive": "inactive",
    "failed": "failed",
}


class UnitSocket:
    """ask_s, act_s: seconds that a question and an act may take."""

    def __init__(self, path: str, ask_s: float = ASK_S, act_s: float = ACT_S) -> None:
        self._path, self._ask_s, self._act_s = path, ask_s, act_s

    async def state(self, names: Sequence[str]) -> dict[str, UnitState]:
        """See `base.Units`."""
        known = checked(names)
        told = read_units(await self._ask({"op": "show"}, self._ask_s))
        return {name: told.get(name, UnitState(name, "missing")) for name in known}

    async def restart(self, name: str) -> None:
        """See `base.Units`."""
        await self._act("restart", name)

    async def reload(self, name: str) -> None:
        """See `base.Units`."""
        await self._act("reload", name)

    async def reread(self) -> None:
        """See `base.Manager`."""
        if (answer := await self._ask({"op": "reread"}, self._act_s)).get("ok") is not True:
            raise InvalidResponse(f"{self._path}: {answer!a} to reread")

    async def start(self, name: str) -> None:
        """See `base.Manager`."""
        await self._act("start", name)

    async def stop(self, name: str) -> None:
        """See `base.Manager`."""
        await self._act("stop", name)

    async def _act(self, op: str, name: str) -> None:
        answer = await self._ask({"op": op, "unit": checked([name])[0]}, self._act_s)
        if answer.get("ok") is not True:
            raise InvalidResponse(f"{self._path}: {answer!a} to {op} {name}")

    async def _ask(self, request: Mapping[str, str], limit: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(limit):
                line = await self._talk(json.dumps(request).encode() + b"\n")
        except TimeoutError as error:
            raise Unreachable(f"{self._path}: no answer to {request['op']} within {limit} s") from error
        except OSError as error:
            raise Unreachable(f"{self._path}: {error.strerror or error}") from error
        except ValueError as error:
            raise InvalidResponse(f"{self._path}: an answer longer than {MAX_LINE} bytes") from error
        if not line:
            raise Unreachable(f"{self._path}: closed without an answer")
        return read_answer(line)

    async def _talk(self, asked: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE)
        try:
            writer.write(asked)
            return await reader.readline()
        finally:
            writer.transport.abort()


def read_answer(line: bytes) -> dict[str, Any]:
    """One answer. Raises Refused with the error it tells, InvalidResponse."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(f"not JSON: {line[:100]!r}") from error
    if not isinstance(answer, dict):
        raise InvalidResponse(f"not an object: {line[:100]!r}")
    if "error" in answer:
        raise Refused(str(answer["error"])[:500])
    return answer


def read_units(answer: Mapping[str, Any]) -> dict[str, UnitState]:
    """Of `show`. Raises InvalidResponse."""
    try:
        found = [
            UnitState(unit["unit"], STATES[unit["state"]], _number(unit["restarts"]), _pid(unit["pid"]))
            for unit in answer["units"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidResponse(f"units cannot be read: {str(answer)[:200]!a}") from error
    return {unit.name: unit for unit in found}


def _number(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _pid(value: Any) -> int | None:
    return None if value is None else _number(value)
