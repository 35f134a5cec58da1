"""How long a neighbour's answers take, as the kernel reckons it for the TCP connection of a BGP session.

It is the smoothed round trip (RFC 6298) of what BGP itself sends: keepalives, and updates when there are some. So it is as old as
the last of them, and says of the way to the neighbour's processor what a ping would say, not more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from trimtab.daemons.bird.wire import zoned
from trimtab.drivers.command import run

T = TypeVar("T")

ASK = ("ss", "-tinH", "state", "established", "( sport = :179 or dport = :179 )")
LIMIT_S = 2.0
_ENDS = re.compile(r"\d+ +\d+ +(\S+):\d+ +(\S+):\d+", re.ASCII)
_RTT = re.compile(r"\brtt:(\d+(?:\.\d+)?)/", re.ASCII)


async def round_trips() -> dict[str, float]:
    """Neighbour's address, a link-local one with its interface → seconds. What cannot be asked is left out."""
    ran = await run(ASK, LIMIT_S)
    return parsed(ran.output) if ran.code == 0 else {}


def parsed(text: str) -> dict[str, float]:
    """Of `ss -tinH state established`: a line with both ends, then one with what the kernel knows."""
    found: dict[str, float] = {}
    peer = ""
    for line in text.splitlines():
        if ends := _ENDS.match(line):
            peer = _peer(ends[1], ends[2])
        elif peer and (told := _RTT.search(line)):
            found[peer] = float(told[1]) / 1000
    return found


def _peer(local: str, remote: str) -> str:
    """Only our own end says which interface it is."""
    address, _, zone = remote.replace("[", "").replace("]", "").partition("%")
    return zoned(address, zone or local.replace("]", "").partition("%")[2])


def by_session(neighbours: Mapping[str, str], found: Mapping[str, T]) -> dict[str, T]:
    """neighbours: session → address, as BIRD has it, a link-local one with its interface."""
    return {name: found[address] for name, address in neighbours.items() if address in found}
