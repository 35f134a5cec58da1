"""A site, a plan to drain it, and a store that is a dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from trimtab.errors import Conflict, LeaseGone
from trimtab.ops.arbiter.records import Record, encode, key_of
from trimtab.ops.arbiter.world import Permit
from trimtab.ops.drain.plan import Plan, Seen, Way
from trimtab.ops.steering.wish import Committed, Doing, Done
from trimtab.registry.base import Snapshot, Write

NOW = 1_800_000_000.0
OUT = Permit("p1", "drain-site", "hk", "hk", "bob", "cabling", NOW, 10.0)
BACK = Permit("p2", "undrain-site", "hk", "hk", "bob", "", NOW, 10.0)
WORD = Committed("hk", "withdraw", "ann", "cabling", NOW - 60, "p0")
ROUTERS = ("hk-r1", "hk-r2")


def plan(way: Way = "out", **more: Any) -> Plan:
    """settle 30 s, 20 s for a step, unheard of for at most 10 s."""
    made = Plan("hk", ROUTERS, way, 30.0, 20.0, 10.0, OUT if way == "out" else BACK)
    return replace(made, **{"lifts": WORD if way == "back" else None, **more})


def doing(step: Any, token: int = 5, permit: str = "p1") -> Doing:
    return Doing("hk", step, permit, token, 10.0)


def done(step: Any, token: int = 5, verified: bool = True, host: str = "hk-r1", amiss: str = "") -> Done:
    return Done("hk", host, step, token, verified, NOW, "", amiss)


def both(step: Any, token: int = 5) -> dict[str, Done]:
    return {host: done(step, token, host=host) for host in ROUTERS}


def seen(**more: Any) -> Seen:
    """Way out, the permit is there and nothing has begun."""
    return replace(Seen(4, permit=True, others=("sg",)), **more)


def back(**more: Any) -> Seen:
    return replace(Seen(4, committed=WORD, others=("sg",)), **more)


def stored(*records: Record, revision: int = 9) -> Snapshot:
    return Snapshot(revision, {key_of(each): encode(each) for each in records})


def applied(found: Snapshot, change: Write, leases: Iterable[int] = (7,)) -> Snapshot:
    """As an engine does it. Raises Conflict, LeaseGone."""
    records = dict(found.records)
    if change.leased and change.lease not in leases:
        raise LeaseGone("it has ended")
    if any(key in records for key in change.absent):
        raise Conflict("is there")
    if any(records.get(key) != value for key, value in change.equal.items()):
        raise Conflict("is not as expected")
    for key in change.delete:
        records.pop(key, None)
    return Snapshot(found.revision + 1, {**records, **change.put, **change.leased})
