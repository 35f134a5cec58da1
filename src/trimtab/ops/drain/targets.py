"""The two things that can be drained inside a site, as what is written of them and what is seen of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.errors import AnswerIsNo
from trimtab.ops.drain.local import TargetStatus
from trimtab.ops.overrides.member import (
    RAMP,
    STEPS,
    Seat,
    Who,
    WritePlan,
    is_ramping,
    plan_hand,
    records,
    replacing,
    seat_of,
)
from trimtab.registry.base import Snapshot, Write
from trimtab.registry.record import FrontState, Hand, ProxyHand

HANDOVER_S = 10.0  # VRRP takes well below a second; a host that is busy a little longer


class Overruled(AnswerIsNo):
    """Somebody has said another word of the member meanwhile, and that stands."""


@dataclass(frozen=True, slots=True)
class ProxyTarget:
    """others: the other proxies of its site."""

    host: str
    others: tuple[str, ...]
    who: Who

    def out(self, snapshot: Snapshot) -> Write | None:
        return self._write(snapshot, "drain")

    def back(self, snapshot: Snapshot) -> Write | None:
        now = records(snapshot).get(f"proxies/{self.host}")
        drained = isinstance(now, ProxyHand) and now.state == "drain"
        return self._write(snapshot, "ready") if drained else None

    def _write(self, snapshot: Snapshot, state: str) -> Write:
        word = ProxyHand(self.host, "drain" if state == "drain" else "ready", *self._who())
        return replacing(snapshot, word)

    def _who(self) -> tuple[str, str, float]:
        return self.who.by, self.who.reason, self.who.at

    def seen(self, snapshot: Snapshot, waited_s: float) -> TargetStatus:
        read = records(snapshot)
        mine = read.get(f"fronts/{self.host}")
        held = [name for name in self.others if _holds(read.get(f"fronts/{name}"))]
        if isinstance(mine, FrontState) and mine.drained and not mine.holds and held:
            return TargetStatus(True, f"{', '.join(held)} holds the addresses; {self.host} may be stopped")
        why = f"{self.host} has not given its addresses away"
        if isinstance(mine, FrontState) and not mine.holds:
            why = "no other proxy has taken the addresses yet"
        return TargetStatus(False, why, why if waited_s > HANDOVER_S else "")


def _holds(record: object) -> bool:
    return isinstance(record, FrontState) and record.holds


@dataclass(frozen=True, slots=True)
class MemberTarget:
    """seats: the pool at its site in a snapshot. places: POOL/MEMBER of each pool that has it and that a route leads to.
    proxies: those of the site; an engine that does not tell what is under way (`tells`) is waited for as long as a request
    may take, `longest_s`.
    """

    pool: str
    name: str
    seats: Callable[[Snapshot], tuple[Seat, ...]]
    proxies: tuple[str, ...]
    who: Who
    force: bool = False
    tells: bool = True
    longest_s: float = 60.0
    places: tuple[str, ...] = ()

    def out(self, snapshot: Snapshot) -> Write | None:
        """None where it is out: that word stands, whoever said it."""
        hand = seat_of(self.seats(snapshot), self.name).hand
        if hand is not None and hand.state != "ready":
            return None
        return plan_hand(snapshot, self.seats(snapshot), self.name, "drain", None, self.who, force=self.force)

    def back(self, snapshot: Snapshot) -> Write | None:
        """At once, with the weight that an operator gave it before; one whose way back was interrupted with its own."""
        seat = seat_of(self.seats(snapshot), self.name)
        halfway = is_ramping(seat)
        if seat.hand is None or (seat.hand.state == "ready" and not halfway):
            return None
        weight = None if halfway else seat.hand.weight
        return plan_hand(snapshot, self.seats(snapshot), self.name, "ready", weight, self.who)

    def ramp(self, step: int, own: int) -> WritePlan:
        """The weight of one step, from 1 to STEPS; the last gives the member its own back. The plan raises Overruled where
        what it stands on is not the step before, said by this same command.
        """

        def plan(found: Snapshot) -> Write:
            seat = seat_of(self.seats(found), self.name)
            stands = grows(seat) if step == 1 else seat.hand == self._step(seat.pool, step - 1, own)
            if not stands:
                raise Overruled(f"{_word(seat)}; nothing more is written", "`trimtab why` says what stands")
            return replacing(found, self._step(seat.pool, step, own))

        return plan

    def _step(self, pool: str, step: int, own: int) -> Hand:
        """pool: the name that it registers under."""
        last = step == STEPS
        weight = None if last else min(own, max(1, own * step // STEPS))
        reason = self.who.reason if last else RAMP.format(step, STEPS)
        return Hand(pool, self.name, "ready", weight, self.who.by, reason, self.who.at)

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


def grows(seat: Seat) -> bool:
    """Whether it comes back by steps: one with a weight of an operator's own comes back with that at once."""
    hand = seat.hand
    return hand is not None and (is_ramping(seat) or (hand.state != "ready" and hand.weight is None))


def _word(seat: Seat) -> str:
    """Who has said what of it."""
    hand = seat.hand
    if hand is None:
        return f"what was said of {seat.name} has been taken back meanwhile"
    what = hand.state if hand.weight is None or hand.state != "ready" else f"weight {hand.weight}"
    said = f"{what}: {hand.reason}" if hand.reason else what
    return f"{hand.by or 'somebody'} has said another word of {seat.name} meanwhile ({said})"
