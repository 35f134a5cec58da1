"""Consul's HTTP API as pure functions: what is sent, what a reply says. No sockets, no clock.

    members/POOL/NAME   a service POOL with the ID `POOL/NAME`, on a node of its own for the estate
    everything else     a key of the KV store; what hangs on a lease is locked by a session that deletes it at its end

Source: Consul "HTTP API": catalog, kv, txn, session, blocking queries. Tested on Consul 1.8.7.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from trimtab.errors import Conflict, DriverError, InvalidResponse, LeaseGone, Refused, Unreachable
from trimtab.registry.codec import decode
from trimtab.registry.fields import BadRecord, shown
from trimtab.registry.record import MAX_WEIGHT, Member

Json = Mapping[str, Any]
MEMBERS = "members/"
MARK = ".revision"  # written by each transaction, so that each of them has an index
MAX_OPS = 64  # in one transaction: Consul before 1.11, 128 since
MIN_TTL_S, MAX_TTL_S = 10, 86_400
GRANT = "docs/agent.md lists what the token has to be granted"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two questions that make a snapshot. stamps: name → ModifyIndex, to write only over what was read."""

    index: int
    records: Mapping[str, bytes]
    stamps: Mapping[str, int]


class Space:
    """What is an estate's: a folder of keys, and a node. Consul's keys have no slash in front: its web server would
    redirect `/v1/kv//x`.
    """

    def __init__(self, prefix: str) -> None:
        self.folder = prefix.strip("/") + "/"
        self.node = re.sub(r"[^A-Za-z0-9-]", "-", prefix.strip("/"))

    def services(self) -> str:
        return f"/v1/catalog/node/{quote(self.node, safe='')}"

    def keys(self) -> str:
        return f"/v1/kv/{quote(self.folder, safe='/')}?recurse=true&"


# ---- what is sent


def register_node(space: Space) -> Json:
    """The node is nobody's machine: without the check `serfHealth` Consul leaves it alone."""
    return {"Node": {"Verb": "set", "Node": {"Node": space.node, "Address": "127.0.0.1"}}}


def key_step(space: Space, verb: str, name: str, **more: Any) -> Json:
    return {"KV": {"Verb": verb, "Key": space.folder + name, **more}}


def text(value: bytes) -> str:
    return b64encode(value).decode()


def service_step(space: Space, verb: str, name: str, value: bytes | None = None, index: int = 0) -> Json:
    """value: the member's record; None where only its name counts. Raises Refused for what is no member."""
    pool, _, _ = name.removeprefix(MEMBERS).partition("/")
    service: dict[str, Any] = {"ID": name.removeprefix(MEMBERS), "Service": pool, "ModifyIndex": index}
    if value is not None:
        service |= _service(space, _member(name, value))
    return {"Service": {"Verb": verb, "Node": space.node, "Service": service}}


def _member(name: str, value: bytes) -> Member:
    try:
        found = decode(name, value)
    except BadRecord as error:
        raise Refused(f"Consul keeps members as services: {error}") from error
    assert isinstance(found, Member)
    return found


def _service(space: Space, member: Member) -> dict[str, Any]:
    """Consul has no weight 0, so that it is said once more in Meta."""
    meta = {"trimtab": space.folder, "id": str(member.id), "version": member.version}
    shown_weight = max(1, member.weight)
    return {
        "Address": member.address,
        "Port": member.port,
        "Tags": list(member.tags),
        "Weights": {"Passing": shown_weight, "Warning": shown_weight},
        "Meta": meta if member.weight else {**meta, "weight": "0"},
    }


def new_session(space: Space, ttl_s: int) -> Json:
    """No checks: a lease ends by its time alone, not with the server that was asked for it."""
    return {
        "Name": space.folder,
        "Node": space.node,
        "NodeChecks": [],
        "Checks": [],  # the same for Consul before 1.7
        "Behavior": "delete",
        "LockDelay": "1ms",  # the default of 15 s would keep an endpoint out that comes back
        "TTL": f"{ttl_s}s",
    }


# ---- what a reply says; each raises InvalidResponse


def reply_of(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(f"Consul answered with something that is not JSON: {raw[:80]!r}") from error


def index_of(fields: Mapping[str, str]) -> int:
    """At least 1: an index of 0 does not block (Consul, "Blocking Queries": sanity check)."""
    value = fields.get("x-consul-index", "")
    if not (value.isascii() and value.isdecimal() and len(value) <= 20):
        raise InvalidResponse(f"Consul's X-Consul-Index is {shown(value)!r}, a number is expected")
    if fields.get("x-consul-results-filtered-by-acls", "").lower() == "true":
        raise Refused("the token may read only a part of the registry, and a part is worse than nothing")
    return max(1, int(value))


def services_of(space: Space, index: int, reply: Any) -> Half:
    """`null`: there is no such node yet."""
    found = (
        as_object((reply or {}).get("Services") or {}) if isinstance(reply, dict | None) else as_object(reply)
    )
    records, stamps = {}, {}
    for each in found.values():
        service = as_object(each)
        if as_object(service.get("Meta") or {}).get("trimtab") == space.folder:
            pool, name = str(service.get("Service", "")), str(service.get("ID", ""))
            key = f"{MEMBERS}{pool}/{name.removeprefix(pool + '/')}"
            records[key], stamps[key] = _record(service), _number(service.get("ModifyIndex", 0))
    return Half(index, records, stamps)


def _record(service: Json) -> bytes:
    """As `record.encode` writes it; `record.decode` is what judges it."""
    meta = as_object(service.get("Meta") or {})
    weights = as_object(service.get("Weights") or {})
    number = str(meta.get("id", ""))
    body = {
        "address": service.get("Address"),
        "id": int(number) if re.fullmatch(r"[0-9]{1,5}", number) else number[:80],
        "port": service.get("Port"),
        "tags": service.get("Tags") or [],
        "version": meta.get("version", ""),
        "weight": 0 if meta.get("weight") == "0" else _bounded(weights.get("Passing", 1)),
    }
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _bounded(weight: Any) -> Any:
    """Consul's weights reach to 65,535, and an operator may have set one there."""
    return min(weight, MAX_WEIGHT) if isinstance(weight, int) else weight


def keys_of(space: Space, index: int, reply: Any) -> Half:
    records, stamps = {}, {}
    for each in as_list(reply):
        pair = as_object(each)
        key = str(pair.get("Key", ""))
        if not key.startswith(space.folder):
            raise InvalidResponse(f"Consul answered with the key {shown(key)!r}, which was not asked for")
        name = key.removeprefix(space.folder)
        if name and name != MARK and not name.startswith(MEMBERS):
            records[name], stamps[name] = _bytes(pair.get("Value")), _number(pair.get("ModifyIndex", 0))
    return Half(index, records, stamps)


def written_of(space: Space, reply: Any) -> int:
    """The index of a transaction: that of its mark."""
    for each in as_list(as_object(reply).get("Results")):
        pair = as_object(each).get("KV")
        if isinstance(pair, dict) and pair.get("Key") == space.folder + MARK:
            return _number(pair.get("ModifyIndex"))
    raise InvalidResponse("Consul's transaction does not say when it happened")


def seconds_of(reply: Any) -> float:
    """The TTL of a session that was renewed, as `10s` or `1m30s`."""
    first = as_object((as_list(reply) or [{}])[0])
    found = _DURATION.findall(str(first.get("TTL", "")))
    if not found:
        raise InvalidResponse(f"Consul's session has the TTL {shown(first.get('TTL'))!r}")
    return sum(float(amount) * _SECONDS[unit] for amount, unit in found)


# ---- what Consul says when it says no


def fault_of(who: str, status: int, body: bytes) -> DriverError:
    """Of an answer that is neither 200 nor expected. 409: a transaction in which nothing happened."""
    said = shown(body.decode("utf-8", "replace"), 200)
    text = f"{who} answered {status}: {said}"
    if "invalid session" in said or (status == 404 and "Session id" in said):
        return LeaseGone(text)
    if "Permission denied" in said or "ACL not found" in said or status in (401, 403):
        return Refused(text, GRANT)
    if status == 409:
        return Conflict(text)
    if status in (429, 500, 502, 503, 504):  # 500 is also what a cluster without a leader answers
        return Unreachable(text)
    return Refused(text) if 400 <= status < 500 else InvalidResponse(text)


def as_object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise InvalidResponse(f"Consul answered with {shown(value)!r}, an object is expected")
    return value


def as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidResponse(f"Consul answered with {shown(value)!r}, a list is expected")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidResponse(f"Consul's index is {shown(value)!r}, a number is expected")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return b64decode(value or "", validate=True)
    except (ValueError, TypeError) as error:
        raise InvalidResponse(f"Consul's value is {shown(value)!r}, base64 is expected") from error
