"""A `Write` as the steps of one of Consul's transactions, in the order in which Consul does them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trimtab.errors import Conflict, LeaseGone, Refused
from trimtab.registry.base import Write
from trimtab.registry.codec import decode
from trimtab.registry.consul import wire
from trimtab.registry.consul.wire import MEMBERS, Half, Space, key_step, service_step, text
from trimtab.registry.fields import BadRecord


def steps_of(space: Space, change: Write, session: str, read: Half, mark: str) -> list[wire.Json]:
    """read: what stands there now, of the keys in `change.equal`. mark: differs each time.

    Raises Conflict, LeaseGone, and Refused for what Consul cannot do at all or not in one transaction.
    """
    if change.leased and not session:
        raise LeaseGone("records are to hang on a lease, and there is none")
    stamps = dict(_stamps(change.equal, read))
    steps = [*_conditions(space, change, stamps), *_keys(space, change, session)]
    services = list(_services(space, change, stamps))
    if services:
        steps += [wire.register_node(space), *services]
    steps.append(key_step(space, "set", wire.MARK, Value=text(mark.encode())))
    if len(steps) > wire.MAX_OPS:
        raise Refused(
            f"{len(steps)} steps in one transaction: Consul takes {wire.MAX_OPS}; write less at once"
        )
    return steps


def _stamps(equal: Mapping[str, bytes], read: Half) -> Iterator[tuple[str, int]]:
    """Consul compares indices, not values: the value is compared here, and the index in the transaction."""
    for name, value in equal.items():
        if name not in read.records or not _same(name, value, read.records[name]):
            raise Conflict(f"somebody else has written: {name} is not as expected")
        yield name, read.stamps[name]


def _same(name: str, one: bytes, other: bytes) -> bool:
    if not name.startswith(MEMBERS):
        return one == other
    try:
        return decode(name, one) == decode(name, other)
    except BadRecord:
        return False


def _conditions(space: Space, change: Write, stamps: Mapping[str, int]) -> Iterator[wire.Json]:
    for name in change.absent:
        if not name.startswith(MEMBERS):
            yield key_step(space, "check-not-exists", name)
        elif name not in change.put:
            raise Refused(f"{name}: Consul knows that a service is absent only while it registers it")
    for name, stamp in stamps.items():
        if not name.startswith(MEMBERS):
            yield key_step(space, "check-index", name, Index=stamp)


def _keys(space: Space, change: Write, session: str) -> Iterator[wire.Json]:
    """Each key is deleted first: a `set` would leave it to the session that holds it, a `lock` would fail there."""
    for name in (*change.delete, *change.put, *change.leased):
        if not name.startswith(MEMBERS):
            yield key_step(space, "delete", name)
    for name, value in change.put.items():
        if not name.startswith(MEMBERS):
            yield key_step(space, "set", name, Value=text(value))
    for name, value in change.leased.items():
        if name.startswith(MEMBERS):
            raise Refused(f"{name}: a service of Consul does not hang on a session; only `alive` does")
        yield key_step(space, "lock", name, Value=text(value), Session=session)


def _services(space: Space, change: Write, stamps: Mapping[str, int]) -> Iterator[wire.Json]:
    for name, value in change.put.items():
        if name.startswith(MEMBERS):
            conditional = name in stamps or name in change.absent
            yield service_step(space, "cas" if conditional else "set", name, value, stamps.get(name, 0))
    for name in change.delete:
        if name.startswith(MEMBERS):
            yield service_step(
                space, "delete-cas" if name in stamps else "delete", name, None, stamps.get(name, 0)
            )
    for name, stamp in stamps.items():
        if name.startswith(MEMBERS) and name not in change.put and name not in change.delete:
            yield service_step(
                space, "cas", name, change.equal[name], stamp
            )  # the same again: only its index counts


def difference(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[tuple[str, bytes | None], ...]:
    """What went, then what came or changed, by key."""
    gone: list[tuple[str, Any]] = [(name, None) for name in sorted(old.keys() - new.keys())]
    return (*gone, *((name, new[name]) for name in sorted(new) if old.get(name) != new[name]))
