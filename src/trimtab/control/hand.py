"""The operator's hand on a site's registry: weights, states and splits. Plans are pure: a snapshot in, a `Write` out.

What would leave a pool without anybody is refused here, with the figures, before anything is written; the agents refuse
it once more, for registrations may have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from trimtab.drivers.registry.base import Registry, Snapshot, Write
from trimtab.drivers.registry.record import (
    MAX_ID,
    MAX_WEIGHT,
    Alive,
    BadRecord,
    By,
    Claim,
    Hand,
    Member,
    Record,
    Split,
    State,
    decode,
    encode,
    key_of,
)
from trimtab.errors import BadInput, Conflict

ATTEMPTS = 5


class NoMember(BadInput):
    """The pool has no such member, at this site."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, why, and when (seconds since 1970)."""

    by: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Seat:
    """One member as the registry and the hand on it make it. weight: what requests go by; 0 takes none."""

    pool: str
    name: str
    member: Member | None
    hand: Hand | None
    health: str

    @property
    def weight(self) -> int:
        if self.hand is not None and self.hand.state != "ready":
            return 0
        if self.hand is not None and self.hand.weight is not None:
            return self.hand.weight
        return self.member.weight if self.member else 100


def records(snapshot: Snapshot) -> dict[str, Record]:
    """What can be read of it; records that cannot are somebody else's fault and in the agents' logs."""
    found = {}
    for key, value in snapshot.records.items():
        try:
            found[key] = decode(key, value)
        except BadRecord:
            continue
    return found


def seats(snapshot: Snapshot, pool: str, of_file: Iterable[str] = ()) -> tuple[Seat, ...]:
    """The members of a pool, by name. of_file: those that the estate itself names."""
    read = records(snapshot)
    members = {r.name: r for r in read.values() if isinstance(r, Member) and r.pool == pool}
    found = []
    for name in sorted({*members, *of_file}):
        hand, alive = read.get(f"hand/{pool}/{name}"), read.get(f"alive/{pool}/{name}")
        health = alive.health if isinstance(alive, Alive) else "unknown" if name in members else ""
        found.append(Seat(pool, name, members.get(name), hand if isinstance(hand, Hand) else None, health))
    return tuple(found)


def plan_hand(
    snapshot: Snapshot,
    seated: tuple[Seat, ...],
    name: str,
    state: State,
    weight: int | None,
    who: Who,
) -> Write | None:
    """seated: the whole pool. None where it is so already. Raises BadInput for a member that is not there, and where
    nobody would be left.
    """
    seat = next((each for each in seated if each.name == name), None)
    if seat is None:
        known = ", ".join(each.name for each in seated) or "none"
        raise NoMember(f"no member {name!r} in this pool", f"there are: {known}")
    if weight is not None and not 0 <= weight <= MAX_WEIGHT:
        raise BadInput(f"weight {weight}", f"0 to {MAX_WEIGHT} is expected")
    asked = Hand(seat.pool, name, state, weight, who.by, who.reason, who.at)
    if seat.hand is not None and (seat.hand.state, seat.hand.weight) == (state, weight):
        return None
    after = [Seat(s.pool, s.name, s.member, asked if s is seat else s.hand, s.health).weight for s in seated]
    if not any(after):
        raise BadInput(
            f"{seat.pool} would have nobody left: {name} is the last of {len(seated)} that takes requests",
            "give another one its weight back first",
        )
    return _replace(snapshot, asked)


def plan_split(
    snapshot: Snapshot, declared: Split, shares: Mapping[str, int], by: By | None, who: Who
) -> Write | None:
    """declared: as the estate has it. Raises BadInput for a pool that is not in the split, or shares of nothing."""
    now = current_split(snapshot, declared)
    unknown = [pool for pool in shares if pool not in declared.shares]
    if unknown:
        raise BadInput(
            f"{unknown[0]!r} is not in this split", f"its pools are {', '.join(sorted(declared.shares))}"
        )
    wanted = {pool: shares.get(pool, 0) for pool in sorted(declared.shares)}
    if sum(wanted.values()) <= 0 or min(wanted.values()) < 0:
        raise BadInput("shares of nothing", "at least one pool needs a share above 0")
    if (wanted, by or now.by) == (dict(now.shares), now.by):
        return None
    before = now.before if wanted == dict(now.shares) else dict(now.shares)
    asked = Split(now.service, now.name, wanted, by or now.by, before, who.by, who.reason, who.at)
    return _replace(snapshot, asked)


def plan_back(snapshot: Snapshot, declared: Split, who: Who) -> Write | None:
    """The shares as they were before the last change; once more is forth again. None where nobody changed them."""
    now = current_split(snapshot, declared)
    return plan_split(snapshot, declared, now.before, None, who) if now.before is not None else None


def current_split(snapshot: Snapshot, declared: Split) -> Split:
    """What holds now: the registry's, where it fits the estate's pools, otherwise the estate's."""
    found = records(snapshot).get(key_of(declared))
    fits = isinstance(found, Split) and set(found.shares) == set(declared.shares)
    return found if isinstance(found, Split) and fits else declared


def canary_shares(declared: Mapping[str, int], percent: float, pool: str | None) -> dict[str, int]:
    """`--canary 5%` as shares of 10,000. pool: the canary; without it the one of two that the estate gives less.

    Raises BadInput where it is not clear which one is meant.
    """
    names = sorted(declared)
    if pool is None and (len(names) != 2 or declared[names[0]] == declared[names[1]]):
        raise BadInput(
            f"which of {', '.join(names)} is the canary?",
            "name it: --canary 5% --to POOL, or give shares: POOL=5",
        )
    canary = pool or min(names, key=lambda name: declared[name])
    if canary not in declared:
        raise BadInput(f"{canary!r} is not in this split", f"its pools are {', '.join(names)}")
    others = [name for name in names if name != canary]
    share = round(100 * percent)
    total = sum(declared[name] for name in others) or len(others)
    found = {name: round((10_000 - share) * (declared[name] or (0 if any(declared[n] for n in others) else 1)) / total)
             for name in others}  # fmt: skip
    return {**found, canary: share}


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
    number = old.id if isinstance(old, Member) else free_id(read, pool)
    member = Member(pool, name, address, port, number, weight, version, tags)
    try:
        decode(key_of(member), encode(member))
    except BadRecord as error:
        raise BadInput(str(error), "nothing was registered") from error
    if member == old:
        return None
    claim = Claim(pool, number, name)
    absent = () if key_of(claim) in read else (key_of(claim),)
    return Write(put={key_of(each): encode(each) for each in (member, claim)}, absent=absent)


def plan_deregister(snapshot: Snapshot, pool: str, name: str) -> Write:
    """Raises BadInput where it is not registered."""
    old = records(snapshot).get(f"members/{pool}/{name}")
    if not isinstance(old, Member):
        raise BadInput(f"{name} is not registered in {pool}", "see `trimtab members POOL`")
    keys = (f"members/{pool}/{name}", f"alive/{pool}/{name}", f"ids/{pool}/{old.id}", f"hand/{pool}/{name}")
    return Write(delete=tuple(key for key in keys if key in snapshot.records))


def free_id(read: Mapping[str, Record], pool: str) -> int:
    """The lowest number of the pool that nobody has. Raises BadInput where all are taken."""
    taken = {r.id for r in read.values() if isinstance(r, Claim | Member) and r.pool == pool}
    found = next((number for number in range(1, MAX_ID + 1) if number not in taken), None)
    if found is None:
        raise BadInput(f"{pool} has {MAX_ID} members", "that is all that a pool can have")
    return found


def _replace(snapshot: Snapshot, record: Record) -> Write:
    """Written only if nobody else was faster. Raises BadInput for what no agent would read."""
    key = key_of(record)
    try:
        value = encode(record)
        decode(key, value)
    except BadRecord as error:
        raise BadInput(str(error), "nothing was written") from error
    if key in snapshot.records:
        return Write(put={key: value}, equal={key: snapshot.records[key]})
    return Write(put={key: value}, absent=(key,))


async def write_planned(registry: Registry, plan: Callable[[Snapshot], Write | None]) -> bool:
    """Read, plan, write; anew where somebody else was faster. Whether something was written. Raises as `plan` and
    DriverError.
    """
    for _ in range(ATTEMPTS):
        write = plan(await registry.read())
        if write is None:
            return False
        with suppress(Conflict):
            await registry.write(write)
            return True
    raise Conflict(f"somebody else wrote first, {ATTEMPTS} times", "nothing was written: ask again")


def read_shares(words: Iterable[str]) -> dict[str, int]:
    """`web=95 web-next=5`. Raises BadInput."""
    found: dict[str, int] = {}
    for word in words:
        pool, sign, share = word.partition("=")
        if not sign or not (share.isascii() and share.isdecimal()) or pool in found or len(share) > 6:
            raise BadInput(
                f"{word!r} is no share", "POOL=SHARE is expected, each pool once: web=95 web-next=5"
            )
        found[pool] = int(share)
    return found
