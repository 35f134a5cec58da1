"""An operator's override on a site's registry: weights and states (`split`: shares). Plans are pure: a snapshot in, a `Write` out.

What would leave a pool without anybody is refused here, with the figures, before anything is written, and every write holds
only for the overrides that were read; the agents refuse it once more, for registrations may have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypedDict

from trimtab.errors import BadInput, Conflict
from trimtab.registry.base import Registry, Snapshot, Write
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import MAX_WEIGHT, Alive, Member, Override, Record, State, key_of

ATTEMPTS = 5
CONDITIONS = 50  # of one transaction, beside what it puts: Consul takes 64 in all, etcd 128
RAMP = "undrain, step {0} of {1}"  # the reason of a share on its way back
STEPS = 5

WritePlan = Callable[[Snapshot], Write | None]  # None where nothing is to be written


class NoMember(BadInput):
    """The pool has no such member, at this site."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, why, and when (seconds since 1970)."""

    by: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class PoolMember:
    """One member as the registry and the override on it make it. weight: what requests go by; 0 takes none."""

    pool: str
    name: str
    member: Member | None
    override: Override | None
    health: str

    @property
    def weight(self) -> int:
        if self.override is not None and self.override.state != "ready":
            return 0
        if self.override is not None and self.override.weight is not None:
            return self.override.weight
        return self.member.weight if self.member else 100

    @property
    def well(self) -> bool:
        """By its own word. Who is named by the estate has none, and counts."""
        return self.health in ("", "passing")


def is_ramping(pool_member: PoolMember) -> bool:
    """Whether its share is on its way back, or an undrain was interrupted halfway."""
    if pool_member.override is None or pool_member.override.state != "ready":
        return False
    return any(pool_member.override.reason == RAMP.format(step, STEPS) for step in range(1, STEPS))


def records(snapshot: Snapshot) -> dict[str, Record]:
    """What can be read of it; records that cannot are somebody else's fault and in the agents' logs."""
    found = {}
    for key, value in snapshot.records.items():
        try:
            found[key] = decode(key, value)
        except BadRecord:
            continue
    return found


def pool_members(
    snapshot: Snapshot, pool: str, of_file: Iterable[str] = (), *, registers: bool = True
) -> tuple[PoolMember, ...]:
    """The members of a pool, by name. of_file: those that the estate itself names; registers: whether others may come
    (what registers in a pool of the estate's own hosts serves nobody).
    """
    read = records(snapshot)
    members = {r.name: r for r in read.values() if registers and isinstance(r, Member) and r.pool == pool}
    found = []
    for name in sorted({*members, *of_file}):
        override, alive = read.get(f"hand/{pool}/{name}"), read.get(f"alive/{pool}/{name}")
        word = alive.health if isinstance(alive, Alive) else "unknown"
        health = word if name in members else ""
        found.append(
            PoolMember(
                pool, name, members.get(name), override if isinstance(override, Override) else None, health
            )
        )
    return tuple(found)


def pool_member_of(site_members: tuple[PoolMember, ...], name: str) -> PoolMember:
    """Raises NoMember."""
    found = next((each for each in site_members if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in site_members) or "none"
        raise NoMember(f"no member {name!r} in this pool", f"there are: {known}")
    return found


def plan_override(
    snapshot: Snapshot,
    site_members: tuple[PoolMember, ...],
    name: str,
    state: State,
    weight: int | None,
    who: Who,
    *,
    force: bool = False,
    most: int = CONDITIONS,
) -> Write | None:
    """site_members: the whole pool. A member that is taken out keeps its weight for the way back, but not the share of an undrain
    that was interrupted: nobody wished for that. None where nothing changes, and no other reason is given. most: conditions
    that the write may have. Raises BadInput for a member that is not there, and where nobody would be left; force: those
    that say nothing of themselves will do.
    """
    pool_member = pool_member_of(site_members, name)
    if weight is not None and not 0 <= weight <= MAX_WEIGHT:
        raise BadInput(f"weight {weight}", f"0 to {MAX_WEIGHT} is expected")
    now = pool_member.override or Override(pool_member.pool, name)
    before = None if is_ramping(pool_member) else now.weight
    kept = weight if state == "ready" else before
    same = (now.state, now.weight) == (state, kept)
    if same and who.reason in ("", now.reason):
        return None
    asked = Override(pool_member.pool, name, state, kept, who.by, who.reason, who.at)
    others = [each for each in site_members if each is not pool_member and each.weight]
    if not same and not replace(pool_member, override=asked).weight:
        leave_somebody(pool_member, others, len(site_members), force)
    first = sorted(others, key=lambda each: not each.well)
    return _conditioned(snapshot, asked, [*first, *site_members], most)


def leave_somebody(pool_member: PoolMember, others: list[PoolMember], all_: int, force: bool) -> None:
    """others: who else takes requests. One that took none before takes nothing away. Raises BadInput."""
    if not others:
        raise BadInput(
            f"no member would remain in {pool_member.pool}: {pool_member.name} is the last of {all_} that takes requests",
            "give another one its weight back first",
        )
    if pool_member.weight and not force and not any(each.well for each in others):
        names = ", ".join(f"{each.name} ({each.health})" for each in others[:5])
        raise BadInput(
            f"no healthy member would remain in {pool_member.pool}, only {names}",
            "see `trimtab members`; where you know that they serve: --force --reason WHY",
        )


def _conditioned(snapshot: Snapshot, asked: Override, site_members: Iterable[PoolMember], most: int) -> Write:
    """Written only if every override of the pool is as it was read: two that leave at once would each count on the other.

    Of a pool with more members than a transaction has conditions, the first of `site_members`: one that stays is enough.
    """
    keys = dict.fromkeys([key_of(asked), *(f"hand/{each.pool}/{each.name}" for each in site_members)])
    return Write(put=replacing(snapshot, asked).put, **as_read(snapshot, list(keys)[:most]))


def together(writes: Iterable[Write]) -> Write | None:
    """One transaction of several, each planned on what the ones before it leave. None where there are none."""
    put: dict[str, bytes] = {}
    equal: dict[str, bytes] = {}
    absent: dict[str, None] = {}
    for each in writes:
        equal.update({key: value for key, value in each.equal.items() if key not in put})
        absent.update(dict.fromkeys(each.absent))
        put.update(each.put)
    return Write(put=put, equal=equal, absent=tuple(absent)) if put else None


class Conditions(TypedDict):
    absent: tuple[str, ...]
    equal: dict[str, bytes]


def as_read(snapshot: Snapshot, keys: Iterable[str]) -> Conditions:
    """What a write is conditioned on: these keys are as they were."""
    asked = list(dict.fromkeys(keys))
    return {
        "absent": tuple(key for key in asked if key not in snapshot.records),
        "equal": {key: snapshot.records[key] for key in asked if key in snapshot.records},
    }


def replacing(snapshot: Snapshot, record: Record) -> Write:
    """Written only if nobody else was faster. Raises BadInput for what no agent would read."""
    key = key_of(record)
    try:
        value = encode(record)
    except BadRecord as error:
        raise BadInput(str(error), "nothing was written") from error
    if key in snapshot.records:
        return Write(put={key: value}, equal={key: snapshot.records[key]})
    return Write(put={key: value}, absent=(key,))


async def write_planned(registry: Registry, plan: WritePlan, attempts: int = ATTEMPTS) -> bool:
    """Read, plan, write; anew where somebody else was faster. Whether something was written. Raises as `plan` and
    DriverError.
    """
    for _ in range(attempts):
        write = plan(await registry.read())
        if write is None:
            return False
        with suppress(Conflict):
            await registry.write(write)
            return True
    raise Conflict(f"somebody else wrote first, {attempts} times", "nothing was written: ask again")
