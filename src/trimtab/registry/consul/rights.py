"""What a token may see: whether what is not in an answer is gone, or hidden. Pure.

Consul's lists leave out what the token may not read, in 1.8 without a word about it. Two questions tell:

    rights       what Consul's own interface asks; an agent may answer from what it knew up to 30 s ago
    gets         a transaction that only reads, answered by the leader: what is not there is an error, and what is hidden is not
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trimtab.errors import Refused
from trimtab.registry.consul.wire import (
    GRANT,
    MARK,
    MEMBERS,
    Json,
    Space,
    as_list,
    as_object,
    key_step,
)

AUTHORIZE = "/v1/internal/acl/authorize"  # since 1.7
GETS = "/v1/txn?consistent="
NODE = ".node"  # the estate's node, among the names of what is asked for
ALWAYS = (MARK, NODE)  # there as soon as anything was written


def rights(space: Space) -> list[Json]:
    """Without which a read is a part of what is there, and looks like all of it."""
    needed = (("key", space.folder), ("node", space.node), ("service", ""))
    return [{"Resource": kind, "Segment": segment, "Access": "read"} for kind, segment in needed]


def missing_rights(reply: Any) -> list[str]:
    rows = [as_object(each) for each in as_list(reply)]
    return [
        f'{row.get("Resource")} "{row.get("Segment", "")}"' for row in rows if row.get("Allow") is not True
    ]


def no_such_question(status: int, body: bytes) -> bool:
    """ACLs are off, or this Consul does not know AUTHORIZE."""
    return status in (404, 405) or (status == 401 and b"ACL support disabled" in body)


def samples(names: Iterable[str]) -> tuple[str, ...]:
    """One of each kind and pool: rights are granted by service and by prefix. With a member the node, without which no
    service is in a list."""
    found = {name.rpartition("/")[0]: name for name in sorted(names)}
    node = (NODE,) if any(name.startswith(MEMBERS) for name in found.values()) else ()
    return (*node, *found.values())


def gets(space: Space, names: Sequence[str]) -> list[Json]:
    return [_get(space, name) for name in names]


def _get(space: Space, name: str) -> Json:
    if name == NODE:
        return {"Node": {"Verb": "get", "Node": {"Node": space.node}}}
    if name.startswith(MEMBERS):
        pool, _, _ = name.removeprefix(MEMBERS).partition("/")
        service = {"ID": name.removeprefix(MEMBERS), "Service": pool}
        return {"Service": {"Verb": "get", "Node": space.node, "Service": service}}
    return key_step(space, "get", name)


def absent(names: Sequence[str], reply: Any) -> frozenset[str]:
    """Of an answer 409: what is not there. An error of another kind says nothing, so it is not among them."""
    rows = [as_object(each) for each in as_list(as_object(reply).get("Errors"))]
    numbers = {row.get("OpIndex") for row in rows if "doesn't exist" in str(row.get("What"))}
    return frozenset(name for number, name in enumerate(names) if number in numbers)


def seen(space: Space, names: Sequence[str], reply: Any) -> frozenset[str]:
    """Of an answer 200: what the token may see. Raises Refused for what is there and hidden."""
    shown = {_name(space, as_object(each)) for each in as_list(as_object(reply).get("Results"))}
    if hidden := [name for name in names if name not in shown]:
        raise Refused(f"the token may not read {', '.join(hidden[:3])}, and Consul has it", GRANT)
    return frozenset(names)


def _name(space: Space, result: Json) -> str:
    if isinstance(pair := result.get("KV"), dict):
        return str(pair.get("Key", "")).removeprefix(space.folder)
    if isinstance(service := result.get("Service"), dict):
        return f"{MEMBERS}{service.get('ID')}"
    return NODE if isinstance(result.get("Node"), dict) else ""
