"""BGP communities, as a key of the estate has them: by number or by the name that IANA has registered.

Sources: RFC 1997 (65000:1), RFC 8092 (large ones, 65000:1:2), and IANA's registry of well-known communities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from trimtab.estate.quantity import parse_text

WELL_KNOWN = {
    "graceful-shutdown": (65535, 0),  # RFC 8326
    "blackhole": (65535, 666),  # RFC 7999
    "no-export": (65535, 65281),  # RFC 1997
    "no-advertise": (65535, 65282),  # RFC 1997
    "no-peer": (65535, 65284),  # RFC 3765
}
# What nobody sets on purpose, and is seen on routes all the same (RFC 1997, RFC 9494).
SEEN_TOO = {(65535, 65283): "no-export-subconfed", (65535, 6): "llgr-stale", (65535, 7): "no-llgr"}
_NUMBERS = re.compile(r"(0|[1-9][0-9]{0,9})(:(0|[1-9][0-9]{0,9})){1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Community:
    """parts: two numbers of 16 bits, or three of 32 (a large community)."""

    parts: tuple[int, ...]

    @property
    def large(self) -> bool:
        return len(self.parts) == 3

    def __str__(self) -> str:
        return next(
            (n for n, parts in WELL_KNOWN.items() if parts == self.parts), ":".join(map(str, self.parts))
        )


def named(parts: tuple[int, ...]) -> str:
    """As it is seen on a route: by name where it has one."""
    return next((name for seen, name in SEEN_TOO.items() if seen == parts), str(Community(parts)))


def parse_community(value: Any) -> Community:
    """`65000:1`, `65000:1:2`, or a name of `WELL_KNOWN`. Raises ValueError."""
    if isinstance(value, Community):
        return value
    text = parse_text(value)
    if text in WELL_KNOWN:
        return Community(WELL_KNOWN[text])
    if _NUMBERS.fullmatch(text) is None:
        known = ", ".join(f"`{name}`" for name in WELL_KNOWN)
        raise ValueError(f"a community is `65000:1`, a large one `65000:1:2`; by name there are {known}")
    found = Community(tuple(map(int, text.split(":"))))
    most = 4294967295 if found.large else 65535
    if max(found.parts) > most:
        hint = "" if found.large else "; numbers beyond need a large community, `65550:1:2`"
        raise ValueError(f"each part of it is at most {most}{hint}")
    return found


BgpCommunity = Annotated[
    Community,
    PlainValidator(parse_community),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(:[0-9]+){1,2}$|^[a-z-]+$"}),
]
