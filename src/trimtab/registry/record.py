"""What stands in a registry, as frozen values; `codec` writes and reads them.

members/POOL/NAME   an endpoint: address, port, weight, version, tags, id     stays until it is taken out
alive/POOL/NAME     its own word on its health                              ends with its lease: then it is unknown
hand/POOL/NAME      an override: what an operator wants of it: a weight, ready or drain or maint
ids/POOL/ID         which NAME has this number: equal on every proxy, so that consistent hashes agree
splits/SERVICE/NAME shares of the pools of a split, by which key, and what they were before
hosts/NAME          what a host's agent knows of its daemons                ends with its lease
proxies/NAME        what an operator wants of a proxy: ready, or drained
fronts/NAME         what a proxy's agent sees of its addresses, and of members that leave   ends with its lease
checks/NAME         whom a proxy's own checks find down                            ends with its lease
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

MAX_VALUE = 4096
MAX_WEIGHT = 256
MAX_ID = 65535
MAX_TAGS = 16
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
POOL = re.compile(r"[a-z][a-z0-9-]{0,19}")
SPLIT = re.compile(r"[a-z][a-z0-9+-]{0,120}")
NUMBER = re.compile(r"[1-9][0-9]{0,4}")  # no leading zeros: one number has one key

State = Literal["ready", "drain", "maint"]
Health = Literal["passing", "failing"]
By = Literal["percent", "header", "cookie"]
MAX_LEAVING = 40
MAX_DOWN_POOLS, MAX_DOWN = 60, 200  # of a proxy's checks; names end before, where the record is full
MAX_TURNS = 20
MAX_PAST = 8


@dataclass(frozen=True, slots=True)
class Member:
    """One endpoint. id: 1 to 65535, unique in the pool; weight: 0 to 256."""

    pool: str
    name: str
    address: str
    port: int
    id: int
    weight: int = 100
    version: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alive:
    """An endpoint's own word."""

    pool: str
    name: str
    health: Health = "passing"


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator wants. weight: None leaves the endpoint's own. at: seconds since 1970."""

    pool: str
    name: str
    state: State = "ready"
    weight: int | None = None
    by: str = ""
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose number this is."""

    pool: str
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Past:
    """A split as it was from `at` (seconds since 1970) until the next change."""

    shares: dict[str, int]
    by: By = "percent"
    who: str = ""
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Split:
    """shares: pool → share in any unit.  before, before_by: what these replaced, for the way back.  past: changes before the
    last one, newest first, at most MAX_PAST and as many as the record holds.
    """

    service: str
    name: str
    shares: dict[str, int] = field(default_factory=dict)
    by: By = "percent"
    before: dict[str, int] | None = None
    who: str = ""
    reason: str = ""
    at: float = 0.0
    before_by: By | None = None
    past: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class Restart:
    """at: when another main process was first seen, seconds since 1970. why: the agent's own reason, "" if somebody else did
    it.
    """

    at: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class HostState:
    """What a host's agent publishes: by unit its state in words and the last restart that it saw, when (seconds since 1970),
    and since when it looks.
    """

    name: str
    units: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    restarts: dict[str, Restart] = field(default_factory=dict)
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class ProxyOverride:
    """What an operator wants of a proxy. at: seconds since 1970."""

    name: str
    state: Literal["ready", "drain"] = "ready"
    by: str = ""
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class FrontState:
    """holds: it has the site's addresses.  drained: it has given them away, and takes them only if nobody else does.
    leaving: `POOL/NAME` of members that take no new requests here → those that are under way; at most MAX_LEAVING of
    them are told. since: when its agent saw it take the addresses or give them away, 0 where that was before it looked.
    """

    name: str
    holds: bool = False
    drained: bool = False
    leaving: dict[str, int] = field(default_factory=dict)
    at: float = 0.0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A proxy's check that changed its mind. name: `POOL/NAME`; why: HAProxy's word for the last check, such as `L4CON`."""

    name: str
    up: bool
    at: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class CheckState:
    """What a proxy's own checks find. down: pool → how many of those that are to serve are down; pools without any are left
    out, and those beyond MAX_DOWN_POOLS.  named: `POOL/NAME` of them, as many as fit into the record.  turns: the last ones
    that its agent saw, newest first, as many as fit.
    """

    name: str
    down: dict[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()

    def of(self, pool: str) -> tuple[frozenset[str], int]:
        """Who of a pool is down, by name, and how many there are besides."""
        keys = (each.partition("/") for each in self.named)
        names = frozenset(name for where, _, name in keys if where == pool)
        return names, max(0, self.down.get(pool, 0) - len(names))


Record = Member | Alive | Override | Claim | Split | HostState | ProxyOverride | FrontState | CheckState


def key_of(record: Record) -> str:
    match record:
        case Member(pool=pool, name=name):
            return f"members/{pool}/{name}"
        case Alive(pool=pool, name=name):
            return f"alive/{pool}/{name}"
        case Override(pool=pool, name=name):
            return f"hand/{pool}/{name}"
        case Claim(pool=pool, id=number):
            return f"ids/{pool}/{number}"
        case Split(service=service, name=name):
            return f"splits/{service}/{name}"
        case HostState(name=name):
            return f"hosts/{name}"
        case ProxyOverride(name=name):
            return f"proxies/{name}"
        case CheckState(name=name):
            return f"checks/{name}"
        case FrontState(name=name):
            return f"fronts/{name}"
