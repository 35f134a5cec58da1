"""What stands in a registry, as frozen values: key and bytes in, a record out, or BadRecord with the reason.

A record of somebody else's making is not trusted: every value is bounded and typed before anything acts on it.

    members/POOL/NAME   an endpoint: address, port, weight, version, tags, id     stays until it is taken out
    alive/POOL/NAME     its own word on its health                              ends with its lease: then it is unknown
    hand/POOL/NAME      what an operator wants of it: a weight, ready or drain or maint
    ids/POOL/ID         which NAME has this number: equal on every proxy, so that consistent hashes agree
    splits/SERVICE/NAME shares of the pools of a split, by which key, and what they were before
    hosts/NAME          what a host's agent knows of its daemons                ends with its lease
    proxies/NAME        what an operator wants of a proxy: ready, or drained
    fronts/NAME         what a proxy's agent sees of its addresses, and of members that leave   ends with its lease
    checks/NAME         whom a proxy's own checks find down                            ends with its lease
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from trimtab.registry import fields
from trimtab.registry.fields import BadRecord as BadRecord
from trimtab.registry.fields import shown as shown

MAX_VALUE = 4096
MAX_BRACKETS = 512  # in its texts too; what is deeper could be read here, and not inside another file
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
class Hand:
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
class ProxyHand:
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


Record = Member | Alive | Hand | Claim | Split | HostState | ProxyHand | FrontState | CheckState


def key_of(record: Record) -> str:
    match record:
        case Member(pool=pool, name=name):
            return f"members/{pool}/{name}"
        case Alive(pool=pool, name=name):
            return f"alive/{pool}/{name}"
        case Hand(pool=pool, name=name):
            return f"hand/{pool}/{name}"
        case Claim(pool=pool, id=number):
            return f"ids/{pool}/{number}"
        case Split(service=service, name=name):
            return f"splits/{service}/{name}"
        case HostState(name=name):
            return f"hosts/{name}"
        case ProxyHand(name=name):
            return f"proxies/{name}"
        case CheckState(name=name):
            return f"checks/{name}"
        case FrontState(name=name):
            return f"fronts/{name}"


def encode(record: Record) -> bytes:
    """The value of a record; what the key says already is left out. Raises BadRecord for one that nobody would read."""
    named = {"pool", "service", "id"} if isinstance(record, Claim) else {"pool", "service", "name"}
    body = {k: v for k, v in asdict(record).items() if k not in named}
    value = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    if len(value) > MAX_VALUE:  # here its writer learns of it, otherwise nobody
        raise BadRecord(f"{key_of(record)}: {len(value)} bytes, at most {MAX_VALUE} are written")
    decode(key_of(record), value)
    return value


def decode(key: str, value: bytes) -> Record:
    """Raises BadRecord."""
    if len(value) > MAX_VALUE:
        raise BadRecord(f"{shown(key)}: {len(value)} bytes, at most {MAX_VALUE} are read")
    if value.count(b"[") + value.count(b"{") > MAX_BRACKETS:
        raise BadRecord(f"{shown(key)}: not JSON of a record: nested too deep")
    try:
        body = json.loads(value.decode())  # bytes may be UTF-16 too, and spoil a file of UTF-8
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"{shown(key)}: not JSON") from error
    if not isinstance(body, dict):
        raise BadRecord(f"{shown(key)}: a JSON object is expected")
    kind, *names = key.split("/")
    reader = _READERS.get((kind, len(names)))
    if reader is None:
        raise BadRecord(f"{shown(key)}: no such kind of record")
    try:
        return reader(names, body)
    except BadRecord as error:
        raise BadRecord(f"{shown(key)}: {error}") from error.__cause__


# ---- one reader a kind


def _member(names: list[str], body: dict[str, Any]) -> Member:
    pool, name = fields.named(POOL, "pool", names[0]), fields.named(NAME, "name", names[1])
    tags = body.get("tags", [])
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        raise BadRecord(f"tags: a list of at most {MAX_TAGS} is expected")
    return Member(
        pool,
        name,
        fields.address(body.get("address")),
        fields.number("port", body.get("port"), 1, 65535),
        fields.number("id", body.get("id"), 1, MAX_ID),
        fields.number("weight", body.get("weight", 100), 0, MAX_WEIGHT),
        fields.text("version", body.get("version", "")),
        tuple(fields.text("tag", tag) for tag in tags),
    )


def _alive(names: list[str], body: dict[str, Any]) -> Alive:
    pool, name = fields.named(POOL, "pool", names[0]), fields.named(NAME, "name", names[1])
    return Alive(pool, name, fields.one_of("health", body.get("health", "passing"), get_args(Health)))


def _hand(names: list[str], body: dict[str, Any]) -> Hand:
    pool, name = fields.named(POOL, "pool", names[0]), fields.named(NAME, "name", names[1])
    weight = body.get("weight")
    return Hand(
        pool,
        name,
        fields.one_of("state", body.get("state", "ready"), get_args(State)),
        None if weight is None else fields.number("weight", weight, 0, MAX_WEIGHT),
        fields.words("by", body.get("by", "")),
        fields.words("reason", body.get("reason", "")),
        fields.time(body.get("at", 0)),
    )


def _claim(names: list[str], body: dict[str, Any]) -> Claim:
    number = int(names[1]) if NUMBER.fullmatch(names[1]) else names[1]
    return Claim(
        fields.named(POOL, "pool", names[0]),
        fields.number("id", number, 1, MAX_ID),
        fields.named(NAME, "name", body.get("name")),
    )


def _split(names: list[str], body: dict[str, Any]) -> Split:
    before, before_by = body.get("before"), body.get("before_by")
    return Split(
        fields.named(POOL, "service", names[0]),
        fields.named(SPLIT, "split", names[1]),
        _shares(body.get("shares")),
        fields.one_of("by", body.get("by", "percent"), get_args(By)),
        None if before is None else _shares(before),
        fields.words("who", body.get("who", "")),
        fields.words("reason", body.get("reason", "")),
        fields.time(body.get("at", 0)),
        None if before_by is None else fields.one_of("before_by", before_by, get_args(By)),
        tuple(map(_past, fields.objects("past", body.get("past", []), MAX_PAST))),
    )


def _past(body: dict[str, Any]) -> Past:
    return Past(
        _shares(body.get("shares")),
        fields.one_of("by", body.get("by", "percent"), get_args(By)),
        fields.words("who", body.get("who", "")),
        fields.words("reason", body.get("reason", "")),
        fields.time(body.get("at", 0)),
    )


def _host(names: list[str], body: dict[str, Any]) -> HostState:
    units = body.get("units", {})
    if not isinstance(units, dict) or len(units) > 32:
        raise BadRecord("units: an object of at most 32 entries is expected")
    read = {fields.text("unit", unit): fields.text("state", state) for unit, state in units.items()}
    anew = body.get("restarts", {})
    if (
        not isinstance(anew, dict)
        or len(anew) > 32
        or not all(isinstance(each, dict) for each in anew.values())
    ):
        raise BadRecord("restarts: an object of at most 32 objects is expected")
    restarts = {
        fields.text("unit", unit): Restart(
            fields.time(each.get("at", 0)), fields.text("why", each.get("why", ""))
        )
        for unit, each in anew.items()
    }
    host, at, since = (
        fields.named(NAME, "host", names[0]),
        fields.time(body.get("at", 0)),
        fields.time(body.get("since", 0)),
    )
    return HostState(host, read, at, restarts, since)


def _proxy(names: list[str], body: dict[str, Any]) -> ProxyHand:
    return ProxyHand(
        fields.named(NAME, "host", names[0]),
        fields.one_of("state", body.get("state", "ready"), ("ready", "drain")),
        fields.words("by", body.get("by", "")),
        fields.words("reason", body.get("reason", "")),
        fields.time(body.get("at", 0)),
    )


def _front(names: list[str], body: dict[str, Any]) -> FrontState:
    holds, drained, leaving = body.get("holds"), body.get("drained"), body.get("leaving", {})
    if not isinstance(holds, bool) or not isinstance(drained, bool):
        raise BadRecord("holds, drained: true or false is expected")
    if not isinstance(leaving, dict) or len(leaving) > MAX_LEAVING:
        raise BadRecord(f"leaving: an object of at most {MAX_LEAVING} entries is expected")
    read = {_seat(key): fields.number("sessions", value, 0, 2**31) for key, value in leaving.items()}
    name = fields.named(NAME, "host", names[0])
    return FrontState(
        name, holds, drained, read, fields.time(body.get("at", 0)), fields.time(body.get("since", 0))
    )


def _checks(names: list[str], body: dict[str, Any]) -> CheckState:
    down, named = body.get("down"), body.get("named")
    if not isinstance(down, dict) or len(down) > MAX_DOWN_POOLS:
        raise BadRecord(f"down: an object of at most {MAX_DOWN_POOLS} pools is expected")
    if (
        not isinstance(named, list)
        or len(named) > MAX_DOWN
        or not all(isinstance(each, str) for each in named)
    ):
        raise BadRecord(f"named: a list of at most {MAX_DOWN} POOL/NAME is expected")
    counts = {
        fields.named(POOL, "pool", pool): fields.number("down", count, 1, MAX_ID)
        for pool, count in down.items()
    }
    turns = tuple(map(_turn, fields.objects("turns", body.get("turns", []), MAX_TURNS)))
    return CheckState(fields.named(NAME, "host", names[0]), counts, tuple(map(_seat, named)), turns)


def _turn(body: dict[str, Any]) -> Turn:
    name, up = body.get("name"), body.get("up")
    if not isinstance(name, str) or not isinstance(up, bool):
        raise BadRecord("turns: a name and up, true or false, are expected")
    return Turn(_seat(name), up, fields.time(body.get("at", 0)), fields.text("why", body.get("why", "")))


def _seat(key: str) -> str:
    pool, _, name = key.partition("/")
    return f"{fields.named(POOL, 'pool', pool)}/{fields.named(NAME, 'name', name)}"


_READERS: Mapping[tuple[str, int], Callable[[list[str], dict[str, Any]], Record]] = {
    ("members", 2): _member,
    ("alive", 2): _alive,
    ("hand", 2): _hand,
    ("ids", 2): _claim,
    ("splits", 2): _split,
    ("hosts", 1): _host,
    ("proxies", 1): _proxy,
    ("checks", 1): _checks,
    ("fronts", 1): _front,
}


def _shares(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not 1 <= len(value) <= 32:
        raise BadRecord("shares: an object of 1 to 32 pools is expected")
    read = {
        fields.named(POOL, "pool", pool): fields.number("share", share, 0, 1_000_000)
        for pool, share in value.items()
    }
    if not sum(read.values()):
        raise BadRecord("shares: at least one has to be above 0, or nothing would serve")
    return read
