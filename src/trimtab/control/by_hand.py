"""A member that an operator registers, or takes out, by hand. Plans are pure: a snapshot in, a `Write` out, which holds
only for what was read.
"""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.control.hand import as_read, records
from trimtab.drivers.registry.base import Snapshot, Write
from trimtab.drivers.registry.record import (
    MAX_ID,
    BadRecord,
    Claim,
    Member,
    Record,
    decode,
    encode,
    key_of,
)
from trimtab.errors import BadInput


def plan_register(
    snapshot: Snapshot,
    pool: str,
    name: str,
    address: str,
    port: int,
    weight: int,
    version: str,
    tags: tuple[str, ...],
) -> Write | None:
    """A member with a number of its own. Raises BadInput for values that no agent would take."""
    read = records(snapshot)
    old = read.get(f"members/{pool}/{name}")
    claims = {r.id: r.name for r in read.values() if isinstance(r, Claim) and r.pool == pool}
    number = _number(read, pool, name, claims)
    member = Member(pool, name, address, port, number, weight, version, tags)
    try:
        decode(key_of(member), encode(member))
    except BadRecord as error:
        raise BadInput(str(error), "nothing was registered") from error
    if member == old and claims.get(number) == name:
        return None
    put = {key_of(each): encode(each) for each in (member, Claim(pool, number, name))}
    spare = tuple(f"ids/{pool}/{n}" for n, owner in claims.items() if owner == name and n != number)
    return Write(put=put, delete=spare, **as_read(snapshot, (*put, *spare)))


def plan_deregister(snapshot: Snapshot, pool: str, name: str) -> Write:
    """By its key, however damaged the record is. The hand on it stays. Raises BadInput where it is not registered."""
    claims = [
        key
        for key, record in records(snapshot).items()
        if isinstance(record, Claim) and (record.pool, record.name) == (pool, name)
    ]
    found = [key for key in (f"members/{pool}/{name}", *claims) if key in snapshot.records]
    if not found:
        raise BadInput(f"{name} is not registered in {pool}", "see `trimtab members POOL`")
    alive = [key for key in (f"alive/{pool}/{name}",) if key in snapshot.records]
    return Write(delete=(*found, *alive), **as_read(snapshot, found))


def _number(read: Mapping[str, Record], pool: str, name: str, claims: Mapping[int, str]) -> int:
    """The one that it has, unless that is claimed for another; otherwise one that is claimed for it, or a free one."""
    old = read.get(f"members/{pool}/{name}")
    if isinstance(old, Member) and claims.get(old.id, name) == name:
        others = {r.id for r in read.values() if isinstance(r, Member) and r.pool == pool and r.name != name}
        if old.id in claims or old.id not in others:
            return old.id
    mine = sorted(number for number, owner in claims.items() if owner == name)
    return mine[0] if mine else free_id(read, pool)


def free_id(read: Mapping[str, Record], pool: str) -> int:
    """The lowest number of the pool that nobody has. Raises BadInput where all are taken."""
    taken = {r.id for r in read.values() if isinstance(r, Claim | Member) and r.pool == pool}
    found = next((number for number in range(1, MAX_ID + 1) if number not in taken), None)
    if found is None:
        raise BadInput(f"{pool} has {MAX_ID} members", "that is all that a pool can have")
    return found
