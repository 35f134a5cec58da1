"""ExaBGP, as the agent asks for it: `announce` reads what is steered by itself, and says in a file what it has told.

The same questions as `daemons.bird.client`, so that one controller serves both. What was told and what should be are one thing
here: `announce` tells the difference in the moment in which it sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from trimtab.daemons.bird.shift_file import Left, ShiftFile
from trimtab.daemons.bird.wire import Adverts, Community, Configured, Prefix, ProtocolState
from trimtab.errors import Refused, Unreachable

_PATH, _MED = re.compile(r"as-path \[ ([^\]]*) \]"), re.compile(r"\bmed (\d+)")
_LARGE = re.compile(r"large-community \[ ([^\]]*) \]")
_COMMUNITIES = re.compile(r"(?<!large-)community \[ ([^\]]*) \]")
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Announcer:
    """told: the file's path."""

    told: str

    async def configure(self) -> Configured:
        """It is on its way: `announce` looks once a second."""
        return "in progress"

    async def reload_out(self, protocol: str) -> None:
        """Nothing is ever left untold."""

    async def members(self, asked: Sequence[tuple[Prefix, str]]) -> tuple[bool, ...]:
        """Of each prefix and set: is it in, as `announce` has read it?"""
        steer = self._read().get("steer", {})
        return tuple(str(prefix) in steer.get(name, ()) for prefix, name in asked)

    async def runs_shift(self, number: int) -> bool:
        """Raises Refused where `announce` is of a release that knows of no shift."""
        found = self._read()
        if "shift" not in found:
            raise Refused("announce reads no shift.conf")
        # without the file nothing is shifted
        return found["shift"] == number or (not found["shift"] and number == ShiftFile().number)

    async def leaving(self, protocol: str, prefixes: Collection[Prefix]) -> dict[Prefix, Left]:
        session = self._read().get("sessions", {}).get(protocol, {"told": {}})
        found = {ip_network(prefix): left(words) for prefix, words in session["told"].items()}
        return {prefix: each for prefix, each in found.items() if prefix in prefixes}

    async def protocols(self) -> dict[str, ProtocolState]:
        sessions = self._read().get("sessions", {})
        return {
            name: ProtocolState(name, "BGP", "", "up" if each["up"] else "start", "", "")
            for name, each in sessions.items()
        }

    async def filtered(self, protocol: str, prefixes: Collection[Prefix] | None = None) -> Adverts:
        return await self.exported(protocol, prefixes)

    async def exported(self, protocol: str, prefixes: Collection[Prefix] | None = None) -> Adverts:
        """Raises Refused for a session that is not there."""
        session = self._read().get("sessions", {}).get(protocol)
        if session is None:
            raise Refused(f"announce has no session {protocol}")
        told = {ip_network(prefix): communities(words) for prefix, words in session["told"].items()}
        return {prefix: told[prefix] for prefix in told if prefixes is None or prefix in prefixes}

    def _read(self) -> dict[str, Any]:
        """Raises Unreachable."""
        try:
            with Path(self.told).open(encoding="utf-8") as file:
                found = json.loads(file.read(MAX_BYTES))
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self.told}: {error}", "does exabgp.service run?") from error
        return found if isinstance(found, dict) else {}


def left(words: str) -> Left:
    """Of the attributes of an announcement. Our AS stands in the path once in any case."""
    path, med, large = (pattern.search(words) for pattern in (_PATH, _MED, _LARGE))
    parts = frozenset(tuple(map(int, each.split(":"))) for each in (large[1].split() if large else ()))
    return Left(
        len(path[1].split()) - 1 if path else 0, int(med[1]) if med else 0, parts | communities(words)
    )


def communities(words: str) -> frozenset[Community]:
    """Of the attributes of an announcement; large ones are not asked for."""
    found = _COMMUNITIES.search(words)
    parts = (each.partition(":") for each in found[1].split()) if found else ()
    return frozenset((int(high), int(low)) for high, _, low in parts)
