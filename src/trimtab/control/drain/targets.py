"""The two things that can be drained inside a site, as what is written of them and what is seen of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from trimtab.control.drain.local import Seen
from trimtab.control.hand import Seat, Who, plan_hand, records, replacing, seat_of
from trimtab.drivers.registry.base import Snapshot, Write
from trimtab.drivers.registry.record import FrontState, ProxyHand

HANDOVER_S = 10.0  # VRRP takes well below a second; a host that is busy a little longer
RAMP = "undrain, step {0} of {1}"
STEPS = 5


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

    def seen(self, snapshot: Snapshot, waited_s: float) -> Seen:
        read = records(snapshot)
        mine = read.get(f"fronts/{self.host}")
        held = [name for name in self.others if _holds(read.get(f"fronts/{name}"))]
        if isinstance(mine, FrontState) and mine.drained and not mine.holds and held:
            return Seen(True, f"{', '.join(held)} holds the addresses; {self.host} may be stopped")
        why = f"{self.host} has not given its addresses away"
        if isinstance(mine, FrontState) and not mine.holds:
            why = "nobody is known to hold the addresses"
        return Seen(False, why, why if waited_s > HANDOVER_S else "")


def _holds(record: object) -> bool:
    return isinstance(record, FrontState) and record.holds


@dataclass(frozen=True, slots=True)
class MemberTarget:
    """seats: the pool at its site in a snapshot. proxies: those of the site; an engine that does not tell what is under way
    (`tells`) is waited for as long as a request may take, `longest_s`.
    """

    pool: str
    name: str
    seats: Callable[[Snapshot], tuple[Seat, ...]]
    proxies: tuple[str, ...]
    who: Who
    force: bool = False
    tells: bool = True
    longest_s: float = 60.0

    def out(self, snapshot: Snapshot) -> Write | None:
        return plan_hand(snapshot, self.seats(snapshot), self.name, "drain", None, self.who, force=self.force)

    def back(self, snapshot: Snapshot) -> Write | None:
        """At once, with the weight that an operator gave it before."""
        hand = seat_of(self.seats(snapshot), self.name).hand
        if hand is None or hand.state == "ready":
            return None
        return plan_hand(snapshot, self.seats(snapshot), self.name, "ready", hand.weight, self.who)

    def ramp(self, step: int, own: int) -> Callable[[Snapshot], Write | None]:
        """The weight of one step, from 1 to STEPS; the last gives the member its own back."""
        who = replace(self.who, reason=RAMP.format(step, STEPS) if step < STEPS else self.who.reason)
        weight = max(1, own * step // STEPS) if step < STEPS else None
        return lambda found: plan_hand(found, self.seats(found), self.name, "ready", weight, who)

    def seen(self, snapshot: Snapshot, waited_s: float) -> Seen:
        if not self.tells:
            over = waited_s >= self.longest_s
            return Seen(over, f"nginx does not tell what is under way: {self.longest_s:g} s are waited")
        found = [records(snapshot).get(f"fronts/{proxy}") for proxy in self.proxies]
        told = [
            each.leaving.get(f"{self.pool}/{self.name}") for each in found if isinstance(each, FrontState)
        ]
        known = [count for count in told if count is not None]
        if told and len(known) == len(told) and not sum(known):
            return Seen(True, f"nothing is under way to {self.name}; it may be stopped")
        if len(known) < len(told) or not told:
            return Seen(False, "not every proxy has taken note")
        return Seen(False, f"{sum(known)} requests are under way to {self.name}")


def is_ramping(seat: Seat) -> bool:
    """Whether an undrain was interrupted halfway."""
    reason = seat.hand.reason if seat.hand is not None else ""
    return any(reason == RAMP.format(step, STEPS) for step in range(1, STEPS))
