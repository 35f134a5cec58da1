"""Who is a member: what registered, held against the claims and against who was a member before. Pure.

A claim `ids/POOL/ID` says whose number it is. A registrar writes and removes member and claim in one transaction, so where
they disagree the registry is damaged or somebody else wrote: then whoever was a member stays one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.drivers.registry.record import Member

HOLD_S = 30.0  # a host that lost its registry is back within its longest pause of 5 s and its lease of 10 s


@dataclass(frozen=True, slots=True)
class Settled:
    """members: by name, no number twice.  refused: name → (reason of a closed set, what is wrong)."""

    members: dict[str, Member]
    refused: dict[str, tuple[str, str]]


def settle(found: Mapping[str, Member], claims: Mapping[int, str], before: Mapping[str, Member]) -> Settled:
    """found, before: by name; claims: number → name."""
    members: dict[str, Member] = {}
    refused: dict[str, tuple[str, str]] = {}
    for name, member in sorted(found.items()):
        owner, old = claims.get(member.id), before.get(name)
        if owner == name:
            members[name] = member
            continue
        if owner is None and old is not None and old.id == member.id:
            members[name] = member
            refused[name] = ("claim_lost", f"number {member.id} is no longer claimed; the member stays")
            continue
        refused[name] = (
            ("no_claim", f"number {member.id} is not claimed")
            if owner is None
            else ("id_taken", f"number {member.id} is that of {owner}")
        )
        if old is not None and claims.get(old.id) == name:
            members[name] = old
    for name, old in before.items():
        if name not in found and claims.get(old.id) == name:
            members[name] = old
            refused[name] = ("member_missing", f"number {old.id} is still claimed; the member stays")
    return Settled(members, refused)


@dataclass(frozen=True, slots=True)
class Held:
    """Members that vanished in a way that may be the registry's fault. until: seconds; None while nobody else is there."""

    members: Mapping[str, Member]
    until: float | None


NOBODY = Held({}, None)


def hold(
    held: Held, members: Mapping[str, Member], gone: Mapping[str, Member], suspect: bool, now: float
) -> Held:
    """Whom to keep for a while beside `members`. gone: who vanished just now; suspect: in a full read, where a watch
    would have told each removal. A pool that has nobody keeps its last members until others have been there HOLD_S:
    hosts that register again come one by one. Who is back, or whose number is somebody else's now, is let go.
    """
    kept = {**held.members, **(gone if suspect or not members else {})}
    taken = {member.id for member in members.values()}
    kept = {name: m for name, m in kept.items() if name not in members and m.id not in taken}
    if not kept:
        return NOBODY
    if not members:
        return Held(kept, None)
    began_anew = held.until is None or (suspect and bool(gone))
    until = now + HOLD_S if began_anew else held.until
    return NOBODY if until is not None and until <= now else Held(kept, until)
