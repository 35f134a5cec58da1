"""etcd's v3 JSON gateway as pure functions: what is sent, what a reply says. No sockets, no clock.

Bytes travel in base64, 64-bit numbers as decimal strings, and what is zero, false or empty is left out.
Source: etcd 3.4, rpc.proto and rpctypes/error.go; what replies look like was recorded from etcd 3.4.23.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.errors import InvalidResponse
from trimtab.registry.base import Batch, Write

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """Of every reply. A registry that was made anew has another cluster, a lower revision or a lower term."""

    cluster: str
    revision: int
    term: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A record, and the revision that wrote it: two registries hardly share one."""

    name: str
    revision: int
    value: bytes = b""

    @property
    def askable(self) -> bool:
        """Whether its key can be written again from its name: see `Space.name`."""
        return "\\" not in self.name


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a range, in the order of its keys. rest: the key to go on with, b"" at the end. newest: the record
    that changed last.
    """

    header: Header
    records: Mapping[str, bytes]
    rest: bytes
    newest: Mark | None = None


@dataclass(frozen=True, slots=True)
class Canceled:
    """The server ended a watch. compacted: it no longer has that revision."""

    reason: str
    compacted: bool


class Space:
    """The part of the key space that is an estate's: everything that begins with `PREFIX/`."""

    def __init__(self, prefix: str) -> None:
        self.begin = prefix.encode() + b"/"
        self.end = self.begin[:-1] + b"0"  # the first key after all that begin so: "0" follows "/"

    def key(self, name: str) -> str:
        return text(self.begin + name.encode())

    def name(self, key: bytes) -> str:
        """Raises InvalidResponse for a key of somebody else. What is no UTF-8 stays visible, and `record` refuses it."""
        if not key.startswith(self.begin):
            raise InvalidResponse(f"etcd answered with the key {key[:80]!r}, which was not asked for")
        return key[len(self.begin) :].decode("utf-8", "backslashreplace")


# ---- what is sent


def text(raw: bytes) -> str:
    return b64encode(raw).decode()


def range_request(space: Space, begin: bytes, limit: int, revision: int) -> Json:
    """A page. revision: 0 for the newest."""
    wanted = {"key": text(begin or space.begin), "range_end": text(space.end), "limit": str(limit)}
    return {**wanted, "revision": str(revision)} if revision else wanted


def glance_request(space: Space) -> Json:
    """A key that is never there, of this member alone: the cheapest question of all."""
    return {"key": text(space.begin), "keys_only": True, "serializable": True}


def past_request(space: Space, name: str, revision: int) -> Json:
    """One record as it was."""
    return {"key": space.key(name), "revision": str(revision)}


def txn_request(space: Space, change: Write) -> Json:
    compare = [
        {"key": space.key(name), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        for name in change.absent
    ]
    compare += [
        {"key": space.key(name), "target": "VALUE", "result": "EQUAL", "value": text(value)}
        for name, value in change.equal.items()
    ]
    puts = [{"key": space.key(name), "value": text(value)} for name, value in change.put.items()]
    puts += [
        {"key": space.key(name), "value": text(value), "lease": str(change.lease)}
        for name, value in change.leased.items()
    ]
    steps = [{"request_put": put} for put in puts]
    steps += [{"request_delete_range": {"key": space.key(name)}} for name in change.delete]
    return {"compare": compare, "success": steps}


def watch_request(space: Space, after: int) -> Json:
    wanted = {"key": text(space.begin), "range_end": text(space.end), "start_revision": str(after + 1)}
    return {"create_request": {**wanted, "progress_notify": True}}


# ---- what a reply says; each raises InvalidResponse


def reply_of(raw: bytes) -> Json:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(f"etcd answered with something that is not JSON: {raw[:80]!r}") from error
    return _object(found, "an answer")


def header_of(reply: Json) -> Header:
    header = _object(reply.get("header"), "a header")
    return Header(str(header.get("cluster_id", "")), number(header, "revision"), number(header, "raft_term"))


def page_of(space: Space, begin: bytes, reply: Json) -> Page:
    records, last, newest = {}, begin, None
    for each in _list(reply.get("kvs", [])):
        found = _object(each, "a record")
        key = raw(found, "key")
        if key < last:  # without an order there is no next page, and a hostile one would have no end
            raise InvalidResponse(f"etcd's page is out of order at {key[:80]!r}")
        mark = Mark(space.name(key), number(found, "mod_revision"), raw(found, "value"))
        records[mark.name], last = mark.value, key + b"\0"
        if mark.askable and (newest is None or mark.revision > newest.revision):
            newest = mark
    if reply.get("more") and not records:
        raise InvalidResponse("etcd says that there is more, and gives nothing")
    return Page(header_of(reply), records, last if reply.get("more") else b"", newest)


def holds(reply: Json, mark: Mark) -> bool:
    """Whether the one record that was asked for is that."""
    found = [_object(each, "a record") for each in _list(reply.get("kvs", []))]
    return [(number(each, "mod_revision"), raw(each, "value")) for each in found] == [
        (mark.revision, mark.value)
    ]


def succeeded(reply: Json) -> bool:
    found = reply.get("succeeded", False)
    if not isinstance(found, bool):
        raise InvalidResponse(f"etcd's `succeeded` is {str(found)[:80]!r}")
    return found


def event_of(space: Space, after: int, raw_line: bytes) -> Batch | Canceled | Header | Json:
    """One line of a watch: changes; its end; a header alone (it has begun, or it is still there); or an error of the
    gateway as it stands. Events are those after `after`, in order.
    """
    line = reply_of(raw_line)
    if "error" in line:
        return _object(line["error"], "an error")
    result = _object(line.get("result"), "a result")
    if result.get("canceled"):
        return Canceled(str(result.get("cancel_reason", ""))[:200], bool(number(result, "compact_revision")))
    events = _list(result.get("events", []))
    return _batch(space, after, events) if events else header_of(result)


def _batch(space: Space, after: int, events: list[Any]) -> Batch:
    changes, revision = [], after + 1
    for each in events:
        event = _object(each, "an event")
        pair, kind = _object(event.get("kv"), "an event's record"), event.get("type", "PUT")
        if kind not in ("PUT", "DELETE") or number(pair, "mod_revision") < revision:
            raise InvalidResponse(
                f"etcd's watch after {after} gave {kind!s:.20} of revision {number(pair, 'mod_revision')}"
            )
        revision = number(pair, "mod_revision")
        changes.append((space.name(raw(pair, "key")), raw(pair, "value") if kind == "PUT" else None))
    return Batch(revision, tuple(changes))


def number(found: Json, name: str) -> int:
    """A 64-bit number; what is left out is 0."""
    value = found.get(name, 0)
    if (
        isinstance(value, str)
        and value.removeprefix("-").isdecimal()
        and value.isascii()
        and len(value) <= 20
    ):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidResponse(f"etcd's {name} is {str(value)[:80]!r}, a number is expected")


def raw(found: Json, name: str) -> bytes:
    value = found.get(name, "")
    try:
        return b64decode(value, validate=True)
    except (ValueError, TypeError) as error:
        raise InvalidResponse(f"etcd's {name} is {str(value)[:80]!r}, base64 is expected") from error


def _object(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidResponse(f"{what} of etcd is {str(value)[:80]!r}, an object is expected")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidResponse(f"etcd answered with {str(value)[:80]!r}, a list is expected")
    return value
