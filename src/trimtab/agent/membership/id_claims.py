"""Who is a member: what registered, held against the claims and against who was a member before. Pure.

A claim `ids/POOL/ID` says whose number it is. A registrar writes and removes member and claim in one transaction, so where
they disagree the registry is damaged or somebody else wrote: then whoever was a member stays one. A registry that went
back in time (wiped, restored) is believed last: whoever was a member is pinned to its number for a while.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trimtab.registry.record import MAX_ID, NUMBER, Member

HOLD_S = 30.0  # a host that lost its registry is back within its longest pause of 5 s and its lease of 10 s
Refusals = dict[str, tuple[str, str]]  # name → (reason of a closed set, what is wrong)


def number_of(text: str) -> int | None:
    """The number in a key `ids/POOL/ID`; None where it is none that a member can have."""
    return int(text) if NUMBER.fullmatch(text) and int(text) <= MAX_ID else None


@dataclass(frozen=True, slots=True)
class Settled:
    """members: by name, no number twice.  refused: who did not get what it wrote, and why."""

    members: dict[str, Member]
    refused: Refusals


def settle(
    found: Mapping[str, Member],
    claims: Mapping[int, str],
    before: Mapping[str, Member],
    pins: Mapping[str, Member] = MappingProxyType({}),
    lacking: Collection[str] = (),
) -> Settled:
    """found, before: by name; claims: number → name.  pins: who stays with this number whatever is claimed.  lacking: of
    whom a complete read had a claim, but no member: these are no longer members.
    """
    members, refused = dict(pins), {}
    pinned = {each.id: each.name for each in pins.values()}
    for name, member in sorted(found.items()):
        if name in pins:
            continue
        old = before.get(name)
        owner = pinned.get(member.id) or claims.get(member.id)
        if owner == name or (owner is None and old is not None and old.id == member.id):
            members[name] = member
        elif old is not None and old.id not in pinned and claims.get(old.id, name) == name:
            members[name] = old
        if owner != name:
            refused[name] = _why(member, owner, old)
    for name, old in before.items():
        if name not in found and name not in pins and old.id not in pinned and claims.get(old.id) == name:
            refused[name] = ("member_missing", f"number {old.id} is still claimed; the member stays")
            if name not in lacking:
                members[name] = old
    return Settled(members, refused)


def _why(member: Member, owner: str | None, old: Member | None) -> tuple[str, str]:
    if owner is not None:
        return "id_taken", f"number {member.id} is that of {owner}"
    if old is not None and old.id == member.id:
        return "claim_lost", f"number {member.id} is no longer claimed; the member stays"
    return "no_claim", f"number {member.id} is not claimed"


@dataclass(frozen=True, slots=True)
class Held:
    """Members that vanished in a way that may be the registry's fault. since: seconds; None while nobody else is there."""

    members: Mapping[str, Member]
    since: float | None


NOBODY = Held({}, None)


def hold(
    held: Held, members: Mapping[str, Member], gone: Mapping[str, Member], suspect: bool, now: float
) -> Held:
    """Whom to keep for a while beside `members`. gone: who vanished just now; suspect: in a full read, where a watch
    would have told each removal. A pool that has nobody keeps its last members until others have been there HOLD_S:
    hosts that register again come one by one. Who is back, or whose number is somebody else's now, is let go. Time
    alone lets nobody go here: it counts only while the registry is followed (`Store.expire`).
    """
    kept = {**held.members, **(gone if suspect or not members else {})}
    taken = {member.id for member in members.values()}
    kept = {name: m for name, m in kept.items() if name not in members and m.id not in taken}
    if not kept:
        return NOBODY
    if not members:
        return Held(kept, None)
    began_anew = held.since is None or (suspect and bool(gone))
    return Held(kept, now if began_anew else held.since)
