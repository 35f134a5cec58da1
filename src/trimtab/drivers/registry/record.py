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
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, get_args

MAX_VALUE = 4096
MAX_BRACKETS = 512  # in its texts too; what is deeper could be read here, and not inside another file
MAX_WEIGHT = 256
MAX_ID = 65535
MAX_TAGS = 16
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
POOL = re.compile(r"[a-z][a-z0-9-]{0,19}")
SPLIT = re.compile(r"[a-z][a-z0-9+-]{0,120}")
NUMBER = re.compile(r"[1-9][0-9]{0,4}")  # no leading zeros: one number has one key
TEXT = re.compile(r"[A-Za-z0-9 ._:/@+=,#()!?'-]{0,200}")

State = Literal["ready", "drain", "maint"]
Health = Literal["passing", "failing"]
By = Literal["percent", "header", "cookie"]
MAX_LEAVING = 40
MAX_DOWN_POOLS, MAX_DOWN = 60, 200  # of a proxy's checks; names end before, where the record is full
MAX_TURNS = 20
MAX_PAST = 8


class BadRecord(ValueError):
    """A record that is refused. The text says what was got, the limit, and what to do."""


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
    """The value of a record; what the key says already is left out. Raises BadRecord for one that is too long."""
    named = {"pool", "service", "id"} if isinstance(record, Claim) else {"pool", "service", "name"}
    body = {k: v for k, v in asdict(record).items() if k not in named}
    value = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    if len(value) > MAX_VALUE:  # here its writer learns of it, otherwise nobody
        raise BadRecord(f"{key_of(record)}: {len(value)} bytes, at most {MAX_VALUE} are written")
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


def shown(text: object, limit: int = 80) -> str:
    """A hostile text, printable."""
    try:
        found = str(text)
    except RecursionError:  # what JSON nests nearly too deep is too deep here
        found = "something nested"
    return (
        found.encode("ascii", "backslashreplace")
        .decode()
        .translate(dict.fromkeys((*range(32), 127), "?"))[:limit]
    )


# ---- one reader a kind


def _member(names: list[str], body: dict[str, Any]) -> Member:
    pool, name = _named(POOL, "pool", names[0]), _named(NAME, "name", names[1])
    tags = body.get("tags", [])
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        raise BadRecord(f"tags: a list of at most {MAX_TAGS} is expected")
    return Member(
        pool,
        name,
        _address(body.get("address")),
        _number("port", body.get("port"), 1, 65535),
        _number("id", body.get("id"), 1, MAX_ID),
        _number("weight", body.get("weight", 100), 0, MAX_WEIGHT),
        _text("version", body.get("version", "")),
        tuple(_text("tag", tag) for tag in tags),
    )


def _alive(names: list[str], body: dict[str, Any]) -> Alive:
    pool, name = _named(POOL, "pool", names[0]), _named(NAME, "name", names[1])
    return Alive(pool, name, _one_of("health", body.get("health", "passing"), get_args(Health)))


def _hand(names: list[str], body: dict[str, Any]) -> Hand:
    pool, name = _named(POOL, "pool", names[0]), _named(NAME, "name", names[1])
    weight = body.get("weight")
    return Hand(
        pool,
        name,
        _one_of("state", body.get("state", "ready"), get_args(State)),
        None if weight is None else _number("weight", weight, 0, MAX_WEIGHT),
        _words("by", body.get("by", "")),
        _words("reason", body.get("reason", "")),
        _time(body.get("at", 0)),
    )


def _claim(names: list[str], body: dict[str, Any]) -> Claim:
    number = int(names[1]) if NUMBER.fullmatch(names[1]) else names[1]
    return Claim(
        _named(POOL, "pool", names[0]),
        _number("id", number, 1, MAX_ID),
        _named(NAME, "name", body.get("name")),
    )


def _split(names: list[str], body: dict[str, Any]) -> Split:
    before, before_by = body.get("before"), body.get("before_by")
    return Split(
        _named(POOL, "service", names[0]),
        _named(SPLIT, "split", names[1]),
        _shares(body.get("shares")),
        _one_of("by", body.get("by", "percent"), get_args(By)),
        None if before is None else _shares(before),
        _words("who", body.get("who", "")),
        _words("reason", body.get("reason", "")),
        _time(body.get("at", 0)),
        None if before_by is None else _one_of("before_by", before_by, get_args(By)),
        tuple(map(_past, _objects("past", body.get("past", []), MAX_PAST))),
    )


def _past(body: dict[str, Any]) -> Past:
    return Past(
        _shares(body.get("shares")),
        _one_of("by", body.get("by", "percent"), get_args(By)),
        _words("who", body.get("who", "")),
        _words("reason", body.get("reason", "")),
        _time(body.get("at", 0)),
    )


def _host(names: list[str], body: dict[str, Any]) -> HostState:
    units = body.get("units", {})
    if not isinstance(units, dict) or len(units) > 32:
        raise BadRecord("units: an object of at most 32 entries is expected")
    read = {_text("unit", unit): _text("state", state) for unit, state in units.items()}
    anew = body.get("restarts", {})
    if (
        not isinstance(anew, dict)
        or len(anew) > 32
        or not all(isinstance(each, dict) for each in anew.values())
    ):
        raise BadRecord("restarts: an object of at most 32 objects is expected")
    restarts = {
        _text("unit", unit): Restart(_time(each.get("at", 0)), _text("why", each.get("why", "")))
        for unit, each in anew.items()
    }
    host, at, since = _named(NAME, "host", names[0]), _time(body.get("at", 0)), _time(body.get("since", 0))
    return HostState(host, read, at, restarts, since)


def _proxy(names: list[str], body: dict[str, Any]) -> ProxyHand:
    return ProxyHand(
        _named(NAME, "host", names[0]),
        _one_of("state", body.get("state", "ready"), ("ready", "drain")),
        _words("by", body.get("by", "")),
        _words("reason", body.get("reason", "")),
        _time(body.get("at", 0)),
    )


def _front(names: list[str], body: dict[str, Any]) -> FrontState:
    holds, drained, leaving = body.get("holds"), body.get("drained"), body.get("leaving", {})
    if not isinstance(holds, bool) or not isinstance(drained, bool):
        raise BadRecord("holds, drained: true or false is expected")
    if not isinstance(leaving, dict) or len(leaving) > MAX_LEAVING:
        raise BadRecord(f"leaving: an object of at most {MAX_LEAVING} entries is expected")
    read = {_seat(key): _number("sessions", value, 0, 2**31) for key, value in leaving.items()}
    name = _named(NAME, "host", names[0])
    return FrontState(name, holds, drained, read, _time(body.get("at", 0)), _time(body.get("since", 0)))


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
    counts = {_named(POOL, "pool", pool): _number("down", count, 1, MAX_ID) for pool, count in down.items()}
    turns = tuple(map(_turn, _objects("turns", body.get("turns", []), MAX_TURNS)))
    return CheckState(_named(NAME, "host", names[0]), counts, tuple(map(_seat, named)), turns)


def _turn(body: dict[str, Any]) -> Turn:
    name, up = body.get("name"), body.get("up")
    if not isinstance(name, str) or not isinstance(up, bool):
        raise BadRecord("turns: a name and up, true or false, are expected")
    return Turn(_seat(name), up, _time(body.get("at", 0)), _text("why", body.get("why", "")))


def _seat(key: str) -> str:
    pool, _, name = key.partition("/")
    return f"{_named(POOL, 'pool', pool)}/{_named(NAME, 'name', name)}"


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


def _named(pattern: re.Pattern[str], what: str, value: Any) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise BadRecord(f"{what} {shown(value)!r}: expected {pattern.pattern}")
    return value


def _number(what: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRecord(f"{what} {shown(value)!r}: a whole number from {low} to {high} is expected")
    return value


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or TEXT.fullmatch(value) is None:
        raise BadRecord(
            f"{what} {shown(value)!r}: at most 200 letters, digits, blanks and ._:/@+=,#()!?'- are expected"
        )
    return value


def _words(what: str, value: Any) -> str:
    """What a person wrote for persons: any language, nothing that a terminal obeys."""
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise BadRecord(f"{what} {shown(value)!r}: at most 200 printable characters are expected")
    return value


def _objects(what: str, value: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        raise BadRecord(f"{what}: a list of at most {most} objects is expected")
    return value


def _one_of(what: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known or not isinstance(value, str):
        raise BadRecord(f"{what} {shown(value)!r}: expected {', '.join(known)}")
    return value


def _time(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e11:
        raise BadRecord(f"at {shown(value)!r}: seconds since 1970 are expected")
    return float(value)


def _shares(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not 1 <= len(value) <= 32:
        raise BadRecord("shares: an object of 1 to 32 pools is expected")
    read = {
        _named(POOL, "pool", pool): _number("share", share, 0, 1_000_000) for pool, share in value.items()
    }
    if not sum(read.values()):
        raise BadRecord("shares: at least one has to be above 0, or nothing would serve")
    return read


def _address(value: Any) -> str:
    """A host's own address: where a proxy may send requests. Raises BadRecord."""
    try:
        found = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise BadRecord(f"address {shown(value)!r}: an IPv4 or IPv6 address is expected, not a name")
    mapped = isinstance(found, IPv6Address) and (found.ipv4_mapped or found.scope_id)
    everybody = found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255"
    if everybody or found.is_link_local or found.is_loopback or mapped:
        text = shown(value)
        raise BadRecord(f"address {text!r}: a host's own address is expected, reachable from the proxies")
    return str(found)
