"""How long a neighbour's answers take, as the kernel reckons it for the TCP connection of a BGP session.

It is the smoothed round trip (RFC 6298) of what BGP itself sends: keepalives, and updates when there are some. So it is as old as
the last of them, and says of the way to the neighbour's processor what a ping would say, not more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from trimtab.drivers.command import run

T = TypeVar("T")

ASK = ("ss", "-tinH", "state", "established", "( sport = :179 or dport = :179 )")
LIMIT_S = 2.0
_ENDS = re.compile(r"\d+ +\d+ +\S+:\d+ +(\S+):\d+", re.ASCII)
_RTT = re.compile(r"\brtt:(\d+(?:\.\d+)?)/", re.ASCII)


async def round_trips() -> dict[str, float]:
    """Neighbour's address → seconds. What cannot be asked is left out."""
    ran = await run(ASK, LIMIT_S)
    return parsed(ran.output) if ran.code == 0 else {}


def parsed(text: str) -> dict[str, float]:
    """Of `ss -tinH state established`: a line with both ends, then one with what the kernel knows."""
    found: dict[str, float] = {}
    peer = ""
    for line in text.splitlines():
        if ends := _ENDS.match(line):
            peer = ends[1].strip("[]").partition("%")[0].rstrip("]")
        elif peer and (told := _RTT.search(line)):
            found[peer] = float(told[1]) / 1000
    return found


def by_session(neighbours: Mapping[str, str], found: Mapping[str, T]) -> dict[str, T]:
    """neighbours: session → address, as BIRD has it."""
    return {name: found[address] for name, address in neighbours.items() if address in found}
