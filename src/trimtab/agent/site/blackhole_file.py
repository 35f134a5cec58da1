"""Two files on a router: `blackhole.conf`, which BIRD's configuration includes, and `blackholes.json`, which our successor reads.

    function black_holed4(string whom) {
        if net = 198.18.1.10/32 then return true; # until 1796100000
        return false;
    }
    protocol static blackhole4 {
        ipv4 { table wan4; preference 900; };
        route 198.18.1.10/32 blackhole; # until 1796100000
    }

and the same with 6. Each line that belongs to a hole ends with that one's end, so that whoever starts BIRD can take out what is over
meanwhile: what is left is a whole file (`bird-blackhole`). A preference of 900 is over that of the VIP's own route.

    blackholes.json   {"version":1,"records":{"blackhole/0000000001":"{…}"}}      as the store had them
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path

from trimtab.daemons.bird.wire import Prefix, symbol
from trimtab.drivers.files import read_json, write_atomically
from trimtab.ops.blackhole.hole import Hole
from trimtab.ops.blackhole.record import encode, holes_of, key_of
from trimtab.ops.blackhole.told import is_for

CONF, MEMORY = "blackhole.conf", "blackholes.json"
VERSION = 1
HEAD = "# Which hosts of this site are black-holed, and to whom that is told. Trimtab's agent writes it: changes are lost.\n"


def text(holes: Sequence[Hole], accepting: Mapping[str, str]) -> str:
    """The whole of `blackhole.conf`; the same for the same holes. accepting: session → upstream."""
    return HEAD + "".join(_family(holes, accepting, family) for family in (4, 6))


def _family(holes: Sequence[Hole], accepting: Mapping[str, str], family: int) -> str:
    own = [each for each in holes if each.prefix.version == family]
    told = [
        f'\tif net = {each.prefix} && whom = "{symbol(session)}" then return true; {_end(each.until)}\n'
        for each in own
        for session, upstream in sorted(accepting.items())
        if is_for(each, upstream)
    ]
    routes = [
        f"\troute {prefix} blackhole; {_end(until)}\n"
        for prefix, until in sorted(_longest(own).items(), key=str)
    ]
    return (
        f"function black_holed{family}(string whom) {{\n{''.join(told)}\treturn false;\n}}\n"
        f"protocol static blackhole{family} {{\n\tipv{family} {{ table wan{family}; preference 900; }};\n{''.join(routes)}}}\n"
    )


def _longest(holes: Iterable[Hole]) -> dict[Prefix, float]:
    """Of several for one host the one that ends last."""
    found: dict[Prefix, float] = {}
    for each in holes:
        found[each.prefix] = max(each.until, found.get(each.prefix, 0.0))
    return found


def _end(until: float) -> str:
    return f"# until {ceil(until)}"


class HoleFiles:
    """folder: where both files are. Reads are of what stands there now, never of what we wrote."""

    def __init__(self, folder: Path) -> None:
        self.conf, self._memory = folder / CONF, folder / MEMORY

    def saved(self) -> tuple[Hole, ...]:
        """What a predecessor knew; none where nothing can be read."""
        try:
            body = read_json(self._memory)
            records = body["records"] if body["version"] == VERSION else {}
            return tuple(holes_of({str(key): str(value).encode() for key, value in records.items()}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ()

    async def remember(self, holes: Sequence[Hole]) -> None:
        """Raises OSError."""
        if self.saved() != tuple(holes):
            records = {key_of(each): encode(each).decode() for each in holes}
            body = json.dumps({"version": VERSION, "records": records}, separators=(",", ":"), sort_keys=True)
            await asyncio.to_thread(write_atomically, self._memory, body.encode() + b"\n")

    async def write(self, content: str) -> bool:
        """`blackhole.conf`; False: it was so already. Raises OSError."""
        try:
            if self.conf.read_text() == content:
                return False
        except (OSError, ValueError):
            pass
        await asyncio.to_thread(write_atomically, self.conf, content.encode())
        return True
