"""`shift.conf`, which a router's configuration includes: what of its site leaves by which upstream with more than the estate has.

    # {"ramp":0,"upstreams":{"isp":{"communities":[[64500,3]],"med":50,"prepend":2}}}
    define SHIFT = 2868127304;                    which text BIRD runs on: asked by `eval`
    function shift(string upstream) { … }         each export filter calls it with its upstream's name

A file of its own, and a function instead of constants: an upstream that the file does not know is told nothing more, so neither
has to know of the other. An agent that is older than this file never touches it. Only filters whose function has changed run
again (see `client`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from trimtab import agent_config

HEAD = "# What of this site leaves with a longer path, a MED or communities. Trimtab's agent writes it: changes are lost.\n"
CONF = "shift.conf"
PATH = f"{agent_config.STATE}/{CONF}"
MAX_TEXT = 1 << 18


@dataclass(frozen=True, slots=True)
class Row:
    """One upstream. communities: of two numbers, or of three."""

    prepend: int = 0
    med: int = 0
    communities: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ShiftFile:
    """ramp: how often our AS stands before every upstream's path, while the site comes back.  upstreams: by name."""

    ramp: int = 0
    upstreams: dict[str, Row] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The same for the same content."""
        return zlib.crc32(_json(self).encode())


@dataclass(frozen=True, slots=True)
class Left:
    """What has left of one prefix in a session, as far as a shift is concerned.

    path: how many AS numbers the filter has put there; the session itself adds one more.
    """

    path: int
    med: int
    communities: frozenset[tuple[int, ...]]


def text(file: ShiftFile) -> str:
    """The whole of it; the same for the same content."""
    body = [f"\t{line}\n" for line in _prepends(file.ramp)]
    for name, row in sorted(file.upstreams.items()):
        body += [f'\tif upstream = "{name}" then {{\n', *(f"\t\t{line}\n" for line in _row(row)), "\t}\n"]
    return f"{HEAD}# {_json(file)}\ndefine SHIFT = {file.number};\nfunction shift(string upstream)\n{{\n{''.join(body)}}}\n"


def read(content: str) -> ShiftFile:
    """What `text` made it from. Raises ValueError for anything that `text` does not write."""
    if len(content) > MAX_TEXT:
        raise ValueError(f"shift.conf: at most {MAX_TEXT} characters")
    try:
        said = json.loads(content.split("\n", 2)[1].removeprefix("# "))
        upstreams = {name: _read(row) for name, row in said["upstreams"].items()}
        file = ShiftFile(int(said["ramp"]), upstreams)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"shift.conf: {error!r}") from error
    if text(file) != content:
        raise ValueError("shift.conf: not as the agent writes it")
    return file


def _prepends(times: int) -> Iterable[str]:
    return ["bgp_path.prepend(OWN_AS);"] * times


def _row(row: Row) -> list[str]:
    found = list(_prepends(row.prepend))
    if row.med:
        found.append(f"bgp_med = {row.med};")
    for each in row.communities:
        kind = "bgp_large_community" if len(each) == 3 else "bgp_community"
        found.append(f"{kind}.add(({', '.join(map(str, each))}));")
    return found


def _json(file: ShiftFile) -> str:
    rows = {
        name: {
            "prepend": row.prepend,
            "med": row.med,
            "communities": [list(each) for each in row.communities],
        }
        for name, row in file.upstreams.items()
    }
    return json.dumps({"ramp": file.ramp, "upstreams": rows}, separators=(",", ":"), sort_keys=True)


def _read(row: Any) -> Row:
    return Row(
        int(row["prepend"]), int(row["med"]), tuple(tuple(map(int, each)) for each in row["communities"])
    )
