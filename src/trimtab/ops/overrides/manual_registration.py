"""A member that an operator registers, or takes out, by hand. Plans are pure: a snapshot in, a `Write` out, which holds
only for what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from trimtab.errors import BadInput
from trimtab.ops.overrides.member import CONDITIONS, PoolMember, Who, as_read, leave_somebody, records
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import MAX_ID, Claim, Member, Override, Record, key_of

OVERRULE = "or, where you know better: --force --reason WHY"


def plan_register(snapshot: Snapshot, wanted: Member, who: Who, *, force: bool = False) -> Write | None:
    """A member with a number of its own; `wanted.id` counts for nothing. None where nothing changes. Raises BadInput for
    values that no agent would take, and, without force, for what somebody else has: the member, or its address and port.
    """
    pool, name = wanted.pool, wanted.name
    read = records(snapshot)
    claims = {r.id: r.name for r in read.values() if isinstance(r, Claim) and r.pool == pool}
    member = replace(wanted, id=_number(read, pool, name, claims))
    try:
        member = cast(Member, decode(key_of(member), encode(member)))  # an address has one spelling
    except BadRecord as error:
        raise BadInput(str(error), "nothing was registered") from error
    if member == read.get(key_of(member)) and claims.get(member.id) == name:
        return None
    old = read.get(key_of(member))
    if isinstance(old, Member) and old.weight and not member.weight:
        raise BadInput(
            f"that would take {name} out of {pool}", f"`trimtab weight {pool}/{name} 0` asks for it"
        )
    if not force:
        _nobody_elses(read, member)
    put = {key_of(each): encode(each) for each in (member, Claim(pool, member.id, name))}
    spare = tuple(f"ids/{pool}/{n}" for n, owner in claims.items() if owner == name and n != member.id)
    noted = _noted(read, pool, name, who) if force else {}
    return Write(put={**put, **noted}, delete=spare, **as_read(snapshot, (*put, *noted, *spare)))


def _nobody_elses(read: Mapping[str, Record], wanted: Member) -> None:
    """Raises BadInput, with who has it."""
    pool, name = wanted.pool, wanted.name
    old = read.get(key_of(wanted))
    if isinstance(old, Member) and f"alive/{pool}/{name}" in read:
        raise BadInput(
            f"{name} is registered in {pool} by its host's agent, which is alive, at {_place(old)}",
            f"change its file in register.d on that host; {OVERRULE}",
        )
    others = [r for r in read.values() if isinstance(r, Member) and r.pool == pool and r.name != name]
    found = next((each for each in others if _place(each) == _place(wanted)), None)
    if found is not None:
        raise BadInput(
            f"{_place(wanted)} is that of {found.name} in {pool}: it would get twice its share",
            f"deregister that one first; {OVERRULE}",
        )


def plan_deregister(
    snapshot: Snapshot,
    site_members: tuple[PoolMember, ...],
    pool: str,
    name: str,
    who: Who,
    *,
    force: bool = False,
) -> Write:
    """By its key, however damaged the record is. The override on it stays. site_members: the whole pool.

    Raises BadInput where it is not registered, where nobody would be left, and, without force, where its agent is alive.
    """
    read = records(snapshot)
    mine = [k for k, r in read.items() if isinstance(r, Claim) and (r.pool, r.name) == (pool, name)]
    found = [key for key in (f"members/{pool}/{name}", *mine) if key in snapshot.records]
    if not found:
        raise BadInput(f"{name} is not registered in {pool}", "see `trimtab members POOL`")
    alive = [key for key in (f"alive/{pool}/{name}",) if key in snapshot.records]
    if alive and not force:
        raise BadInput(
            f"{name} is alive: its agent registers it, and would put it back",
            f"its agent registers it: delete its file in register.d on that host; {OVERRULE}",
        )
    others = sorted((s for s in site_members if s.name != name and s.weight), key=lambda each: not each.well)
    for pool_member in (each for each in site_members if each.name == name):  # none of a damaged record
        leave_somebody(pool_member, others, len(site_members), force)
    noted = _noted(read, pool, name, who) if force else {}
    stay = [f"{kind}/{pool}/{each.name}" for each in others for kind in ("members", "hand")]
    keys = [*found, *noted, *stay][:CONDITIONS]
    return Write(put=noted, delete=(*found, *alive), **as_read(snapshot, keys))


def _noted(read: Mapping[str, Record], pool: str, name: str, who: Who) -> dict[str, bytes]:
    """Who overruled and why, kept as an override that changes nothing; one that stands there keeps its own reason."""
    key = f"hand/{pool}/{name}"
    now = read.get(key, Override(pool, name))
    if not isinstance(now, Override) or now.state != "ready" or now.weight is not None:
        return {}
    asked = replace(now, by=who.by, reason=who.reason, at=who.at)
    try:
        decode(key, encode(asked))
    except BadRecord as error:
        raise BadInput(str(error), "nothing was written") from error
    return {key: encode(asked)}


def _place(member: Member) -> str:
    return f"[{member.address}]:{member.port}" if ":" in member.address else f"{member.address}:{member.port}"


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
