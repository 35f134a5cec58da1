"""Records of a registry as bytes: key and value in, a record out, or BadRecord with the reason.

A record of somebody else's making is not trusted: every value is bounded and typed before anything acts on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, get_args

from trimtab.registry import fields
from trimtab.registry.fields import BadRecord, shown
from trimtab.registry.record import (
    MAX_DOWN,
    MAX_DOWN_POOLS,
    MAX_ID,
    MAX_LEAVING,
    MAX_PAST,
    MAX_TAGS,
    MAX_TURNS,
    MAX_VALUE,
    MAX_WEIGHT,
    NAME,
    NUMBER,
    POOL,
    SPLIT,
    Alive,
    By,
    CheckState,
    Claim,
    FrontState,
    Health,
    HostState,
    Member,
    Override,
    Past,
    ProxyOverride,
    Record,
    Restart,
    Split,
    State,
    Turn,
    key_of,
)


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
    kind, *names = key.split("/")
    reader = _READERS.get((kind, len(names)))
    try:
        body = fields.opened(value, MAX_VALUE)
        if reader is None:
            raise BadRecord("no such kind of record")
        return reader(names, body)
    except BadRecord as error:
        raise type(error)(f"{shown(key)}: {error}") from error.__cause__


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


def _override(names: list[str], body: dict[str, Any]) -> Override:
    pool, name = fields.named(POOL, "pool", names[0]), fields.named(NAME, "name", names[1])
    weight = body.get("weight")
    return Override(
        pool,
        name,
        fields.one_of("state", body.get("state", "ready"), get_args(State)),
        None if weight is None else fields.number("weight", weight, 0, MAX_WEIGHT),
        *_said(body, "by"),
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
        *_said(body, "who"),
        None if before_by is None else fields.one_of("before_by", before_by, get_args(By)),
        tuple(map(_past, fields.objects("past", body.get("past", []), MAX_PAST))),
    )


def _past(body: dict[str, Any]) -> Past:
    return Past(
        _shares(body.get("shares")),
        fields.one_of("by", body.get("by", "percent"), get_args(By)),
        *_said(body, "who"),
    )


def _host(names: list[str], body: dict[str, Any]) -> HostState:
    units = fields.mapping("units", body.get("units", {}), 32)
    read = {fields.text("unit", unit): fields.text("state", state) for unit, state in units.items()}
    anew = fields.mapping("restarts", body.get("restarts", {}), 32)
    fields.objects("restarts", list(anew.values()), 32)
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


def _proxy(names: list[str], body: dict[str, Any]) -> ProxyOverride:
    return ProxyOverride(
        fields.named(NAME, "host", names[0]),
        fields.one_of("state", body.get("state", "ready"), ("ready", "drain")),
        *_said(body, "by"),
    )


def _front(names: list[str], body: dict[str, Any]) -> FrontState:
    holds, drained = (fields.truth(each, body.get(each)) for each in ("holds", "drained"))
    leaving = fields.mapping("leaving", body.get("leaving", {}), MAX_LEAVING)
    read = {_pool_member(key): fields.number("sessions", value, 0, 2**31) for key, value in leaving.items()}
    name = fields.named(NAME, "host", names[0])
    return FrontState(
        name, holds, drained, read, fields.time(body.get("at", 0)), fields.time(body.get("since", 0))
    )


def _checks(names: list[str], body: dict[str, Any]) -> CheckState:
    down, named = fields.mapping("down", body.get("down"), MAX_DOWN_POOLS), body.get("named")
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
    return CheckState(fields.named(NAME, "host", names[0]), counts, tuple(map(_pool_member, named)), turns)


def _turn(body: dict[str, Any]) -> Turn:
    name, up = body.get("name"), body.get("up")
    if not isinstance(name, str) or not isinstance(up, bool):
        raise BadRecord("turns: a name and up, true or false, are expected")
    return Turn(
        _pool_member(name), up, fields.time(body.get("at", 0)), fields.text("why", body.get("why", ""))
    )


def _said(body: dict[str, Any], who: str) -> tuple[str, str, float]:
    """Who said it, why and when."""
    reason = fields.words("reason", body.get("reason", ""))
    return fields.words(who, body.get(who, "")), reason, fields.time(body.get("at", 0))


def _pool_member(key: str) -> str:
    pool, _, name = key.partition("/")
    return f"{fields.named(POOL, 'pool', pool)}/{fields.named(NAME, 'name', name)}"


_READERS: Mapping[tuple[str, int], Callable[[list[str], dict[str, Any]], Record]] = {
    ("members", 2): _member,
    ("alive", 2): _alive,
    ("hand", 2): _override,
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
