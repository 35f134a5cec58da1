"""Two files on a router: `steer.conf`, which BIRD's configuration includes, and `steered.json`, which our successor reads.

    define PREFER_AWAY4 = [ 198.18.1.0/24 ];     leave with GRACEFUL_SHUTDOWN (RFC 8326)
    define WITHDRAWN4 = [ 0.0.0.0/32 ];          are not announced at all; and the same with 6

    steered.json   {"version":1,"boot":BOOT,"heard":SECONDS,"committed":{…},"doing":{…},"permits":[{…}]}

A set that nobody is in has a neutral element, which no site announces: BIRD knows `[]` since 2.0.11 only. A `define` is
compared by its value when BIRD reads its configuration anew, so only filters that use a changed set run again (see
`daemons.bird.client`). `steered.json` is written first: what BIRD was told is never without its reason.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from trimtab import codec
from trimtab.daemons.bird.wire import Prefix
from trimtab.drivers.files import read_json, write_atomically
from trimtab.ops.steering.wish import Orders, Step

CONF, MEMORY = "steer.conf", "steered.json"
SETS = ("PREFER_AWAY", "WITHDRAWN")
NEUTRAL = {4: "0.0.0.0/32", 6: "::/128"}
MAX_TEXT = 1 << 20
VERSION = 1
HEAD = "# Which prefixes of this site leave with GRACEFUL_SHUTDOWN or not at all. Trimtab's agent writes it: changes are lost.\n"
_DEFINE = re.compile(r"define (PREFER_AWAY|WITHDRAWN)([46]) = \[ (.+) \];")


@dataclass(frozen=True, slots=True)
class Steered:
    """Prefixes of both families, each sorted, each once. Raises ValueError for one that is in both sets."""

    prefer: tuple[Prefix, ...] = ()
    withdrawn: tuple[Prefix, ...] = ()

    @classmethod
    def of(cls, step: Step, prefixes: Iterable[Prefix]) -> Steered:
        """The step means all that the site announces, its own prefixes and the anycast ones."""
        own = tuple(prefixes)
        return cls(own if step == "prefer" else (), own if step == "withdraw" else ())

    def members(self, prefixes: Iterable[Prefix]) -> dict[tuple[Prefix, str], bool]:
        """Of each of these and the sets of its family: is it in?"""
        both = tuple(zip(SETS, (self.prefer, self.withdrawn), strict=True))
        return {(each, f"{name}{each.version}"): each in those for each in prefixes for name, those in both}

    def __post_init__(self) -> None:
        for name in ("prefer", "withdrawn"):
            once = sorted(set(getattr(self, name)), key=_order)
            object.__setattr__(self, name, tuple(once))
        if both := set(self.prefer) & set(self.withdrawn):
            raise ValueError(f"{min(both, key=_order)}: announced and withdrawn at once")
        if {str(prefix) for prefix in (*self.prefer, *self.withdrawn)} & set(NEUTRAL.values()):
            raise ValueError("the neutral element stands for no prefix")


def text(steered: Steered) -> str:
    """The whole of `steer.conf`; the same for the same prefixes."""
    lines = [
        f"define {name}{family} = [ {_set(prefixes, family)} ];\n"
        for family in (4, 6)
        for name, prefixes in zip(SETS, (steered.prefer, steered.withdrawn), strict=True)
    ]
    return HEAD + "".join(lines)


def read(content: str) -> Steered:
    """What `text` made it from. Raises ValueError for anything that `text` does not write."""
    if len(content) > MAX_TEXT:
        raise ValueError(f"steer.conf: at most {MAX_TEXT} characters")
    found: dict[str, list[Prefix]] = {name: [] for name in SETS}
    for name, family, listed in _DEFINE.findall(content):
        found[name] += [ip_network(word) for word in listed.split(", ") if word != NEUTRAL[int(family)]]
    steered = Steered(*(tuple(found[name]) for name in SETS))
    if text(steered) != content:
        raise ValueError("steer.conf: not as the agent writes it")
    return steered


def _set(prefixes: Iterable[Prefix], family: int) -> str:
    return ", ".join(str(prefix) for prefix in prefixes if prefix.version == family) or NEUTRAL[family]


def _order(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen


# ---- the disk


class Disk:
    """folder: where both files are.  boot: see `memory`. Reads are of what stands there now, never of what we wrote."""

    def __init__(self, folder: Path, boot: str) -> None:
        self.conf, self._memory, self._boot = folder / CONF, folder / MEMORY, boot

    def saved(self) -> Orders | None:
        """What a predecessor knew; None: nothing that can be read."""
        try:
            return remembered(read_json(self._memory), self._boot)
        except (OSError, ValueError):
            return None

    async def remember(self, orders: Orders) -> None:
        """Raises OSError. When they were heard is kept to a quarter of the time of what is under way: a coordinator
        that keeps a step up is no reason to write at each of its words.
        """
        saved = self.saved()
        same = saved is not None and replace(saved, heard=orders.heard) == orders
        if saved is None or not same or _older(saved, orders):
            await asyncio.to_thread(write_atomically, self._memory, memory(orders, self._boot))

    async def write(self, content: str) -> bool:
        """`steer.conf`; False: it was so already. Raises OSError."""
        if self._content() == content:
            return False
        await asyncio.to_thread(write_atomically, self.conf, content.encode())
        return True

    async def keep(self) -> None:
        """Whatever stands there, stays. BIRD does not start without the file, nor with one that it cannot read."""
        try:
            read(self._content())
        except ValueError:
            await self.write(text(Steered()))

    def _content(self) -> str:
        try:
            return self.conf.read_text()
        except (OSError, ValueError):
            return ""


# ---- what a successor has to know


def memory(orders: Orders, boot: str) -> bytes:
    """boot: which boot of the machine `heard` counts in, "" if nobody can say."""
    body: dict[str, Any] = {"version": VERSION, "boot": boot, **asdict(orders)}
    if body["doing"] is not None and not body["doing"]["prepend"]:
        del body["doing"]["prepend"]  # an agent of an earlier release reads the rest
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def remembered(saved: Any, boot: str) -> Orders:
    """What `memory` was given. Raises ValueError. A step that was under way in another boot is over: nobody can say how
    long ago that was.
    """
    try:
        if saved["version"] != VERSION:
            raise ValueError(f"steered.json: version {VERSION} is expected")
        said = {field.name: saved[field.name] for field in fields(Orders)}
        orders, same = codec.read(Orders, said, MEMORY), boot != "" and saved["boot"] == boot
    except (KeyError, TypeError) as error:
        raise ValueError(f"steered.json: {error!r}") from error
    return orders if same else Orders(orders.committed, None, (), orders.heard)


def _older(saved: Orders, orders: Orders) -> bool:
    return orders.doing is not None and not 0 <= orders.heard - saved.heard <= orders.doing.ttl_s / 4
