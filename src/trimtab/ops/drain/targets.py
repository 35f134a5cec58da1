"""The two things that can be drained inside a site, as what is written of them and what is seen of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.errors import Denied
from trimtab.ops.drain.local import TargetStatus
from trimtab.ops.overrides.member import (
    RAMP,
    STEPS,
    PoolMember,
    Who,
    WritePlan,
    is_ramping,
    plan_override,
    pool_member_of,
    records,
    replacing,
)
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import FrontState, Override, ProxyOverride

HANDOVER_S = 10.0  # VRRP takes well below a second; a host that is busy a little longer


class Overruled(Denied):
    """Somebody has said another word of the member meanwhile, and that stands."""


@dataclass(frozen=True, slots=True)
class ProxyTarget:
    """others: the other proxies of its site. led: clients come to each proxy apart, led by whoever names it."""

    host: str
    others: tuple[str, ...]
    who: Who
    led: bool = False

    def out(self, snapshot: Snapshot) -> Write | None:
        return self._write(snapshot, "drain")

    def back(self, snapshot: Snapshot) -> Write | None:
        now = records(snapshot).get(f"proxies/{self.host}")
        drained = isinstance(now, ProxyOverride) and now.state == "drain"
        return self._write(snapshot, "ready") if drained else None

    def _write(self, snapshot: Snapshot, state: str) -> Write:
        word = ProxyOverride(self.host, "drain" if state == "drain" else "ready", *self._who())
        return replacing(snapshot, word)

    def _who(self) -> tuple[str, str, float]:
        return self.who.by, self.who.reason, self.who.at

    def seen(self, snapshot: Snapshot, waited_s: float) -> TargetStatus:
        read = records(snapshot)
        mine = read.get(f"fronts/{self.host}")
        held = [name for name in self.others if _holds(read.get(f"fronts/{name}"))]
        if isinstance(mine, FrontState) and mine.drained and not mine.holds and held:
            return TargetStatus(True, self._told(held))
        why = f"{self.host} has not {'said that it is drained' if self.led else 'given its addresses away'}"
        if isinstance(mine, FrontState) and not mine.holds:
            why = f"no other proxy {'serves' if self.led else 'has taken the addresses'} yet"
        return TargetStatus(False, why, why if waited_s > HANDOVER_S else "")

    def _told(self, held: list[str]) -> str:
        if not self.led:
            return f"{', '.join(held)} holds the addresses; {self.host} may be stopped"
        return (
            f"{self.host} answers who asks for its health with 503; {', '.join(held)} serves. Its public addresses stay, and so do "
            "its clients, until a balancer has noticed or DNS names it no more: only then may it be stopped"
        )


def _holds(record: object) -> bool:
    return isinstance(record, FrontState) and record.holds


@dataclass(frozen=True, slots=True)
class MemberTarget:
    """pool_members: the pool at its site in a snapshot. places: POOL/MEMBER of each pool that has it and that a route leads to.
    proxies: those of the site; an engine that does not tell what is under way (`tells`) is waited for as long as a request
    may take, `longest_s`.
    """

    pool: str
    name: str
    pool_members: Callable[[Snapshot], tuple[PoolMember, ...]]
    proxies: tuple[str, ...]
    who: Who
    force: bool = False
    tells: bool = True
    longest_s: float = 60.0
    places: tuple[str, ...] = ()

    def out(self, snapshot: Snapshot) -> Write | None:
        """None where it is out: that word stands, whoever said it."""
        override = pool_member_of(self.pool_members(snapshot), self.name).override
        if override is not None and override.state != "ready":
            return None
        return plan_override(
            snapshot, self.pool_members(snapshot), self.name, "drain", None, self.who, force=self.force
        )

    def back(self, snapshot: Snapshot) -> Write | None:
        """At once, with the weight that an operator gave it before; one whose way back was interrupted with its own."""
        pool_member = pool_member_of(self.pool_members(snapshot), self.name)
        halfway = is_ramping(pool_member)
        if pool_member.override is None or (pool_member.override.state == "ready" and not halfway):
            return None
        weight = None if halfway else pool_member.override.weight
        return plan_override(snapshot, self.pool_members(snapshot), self.name, "ready", weight, self.who)

    def ramp(self, step: int, own: int) -> WritePlan:
        """The weight of one step, from 1 to STEPS; the last gives the member its own back. The plan raises Overruled where
        what it stands on is not the step before, said by this same command.
        """

        def plan(found: Snapshot) -> Write:
            pool_member = pool_member_of(self.pool_members(found), self.name)
            stands = (
                grows(pool_member)
                if step == 1
                else pool_member.override == self._step(pool_member.pool, step - 1, own)
            )
            if not stands:
                raise Overruled(
                    f"{_word(pool_member)}; nothing more is written", "`trimtab why` says what stands"
                )
            return replacing(found, self._step(pool_member.pool, step, own))

        return plan

    def _step(self, pool: str, step: int, own: int) -> Override:
        """pool: the name that it registers under."""
        last = step == STEPS
        weight = None if last else min(own, max(1, own * step // STEPS))
        reason = self.who.reason if last else RAMP.format(step, STEPS)
        return Override(pool, self.name, "ready", weight, self.who.by, reason, self.who.at)

    def seen(self, snapshot: Snapshot, waited_s: float) -> TargetStatus:
        if not (self.proxies and self.places):
            return TargetStatus(True, f"no proxy has a route to {self.pool}/{self.name}")
        if not self.tells:
            over = waited_s >= self.longest_s
            return TargetStatus(
                over, f"nginx does not tell what is under way: {self.longest_s:g} s are waited"
            )
        found = [records(snapshot).get(f"fronts/{proxy}") for proxy in self.proxies]
        told = [
            each.leaving.get(place) for each in found if isinstance(each, FrontState) for place in self.places
        ]
        known = [count for count in told if count is not None]
        if told and len(known) == len(told) and not sum(known):
            return TargetStatus(True, f"nothing is under way to {self.pool}/{self.name}")
        if len(known) < len(told) or not told:
            return TargetStatus(False, f"not yet noted by {', '.join(self._late(snapshot)) or 'any proxy'}")
        return TargetStatus(False, f"{sum(known)} requests are under way to {self.pool}/{self.name}")

    def _late(self, snapshot: Snapshot) -> list[str]:
        read = records(snapshot)
        found = {proxy: read.get(f"fronts/{proxy}") for proxy in self.proxies}
        return [
            proxy
            for proxy, state in found.items()
            if not isinstance(state, FrontState) or any(place not in state.leaving for place in self.places)
        ]


def grows(pool_member: PoolMember) -> bool:
    """Whether it comes back by steps: one with a weight of an operator's own comes back with that at once."""
    override = pool_member.override
    return override is not None and (
        is_ramping(pool_member) or (override.state != "ready" and override.weight is None)
    )


def _word(pool_member: PoolMember) -> str:
    """Who has said what of it."""
    override = pool_member.override
    if override is None:
        return f"what was said of {pool_member.name} has been taken back meanwhile"
    what = (
        override.state
        if override.weight is None or override.state != "ready"
        else f"weight {override.weight}"
    )
    said = f"{what}: {override.reason}" if override.reason else what
    return f"{override.by or 'somebody'} has said another word of {pool_member.name} meanwhile ({said})"
