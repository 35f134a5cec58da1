"""The estate store: transactions with conditions, leases that end by themselves, and writes that get lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tests.ops.drain.drain_world.logic import LEASE_S, TICK_S

from trimtab.errors import Conflict, LeaseGone, Unreachable
from trimtab.registry.base import Snapshot, Write

LEASE_TICKS = int(LEASE_S / TICK_S)
Mishap = Literal["none", "lost", "ambiguous", "late", "straggler"]
LATE: dict[Mishap, int] = {"late": 3, "straggler": 14}  # ticks: the second is longer than a lease


@dataclass
class Lease:
    """kept: the last tick at which its owner reached the store."""

    owner: Any
    kept: int


class Store:
    """up: whether anybody can reach it. mishaps: what happens to the next writes, by who writes. late: writes that their
    writer gave up and that arrive all the same, by tick.
    """

    def __init__(self) -> None:
        self.up = True
        self.revision = 1
        self.records: dict[str, bytes] = {}
        self.leases: dict[int, Lease] = {}
        self.mishaps: dict[str, list[Mishap]] = {}
        self.late: list[tuple[int, Write]] = []
        self.history: list[tuple[int, Write]] = []
        self._bound: dict[str, int] = {}
        self._next = 100
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        if self._snapshot is None:
            self._snapshot = Snapshot(self.revision, dict(self.records))
        return self._snapshot

    def lease(self, owner: Any, tick: int) -> int:
        self._next += 1
        self.leases[self._next] = Lease(owner, tick)
        return self._next

    def write(self, who: str, change: Write, tick: int) -> None:
        """Raises Conflict, LeaseGone, Unreachable; after the last one nobody knows whether it was done."""
        queue = self.mishaps.get(who)
        mishap = queue.pop(0) if queue else None
        if mishap in LATE:
            self.late.append((tick + LATE[mishap], change))
        if mishap in LATE or mishap == "lost":
            raise Unreachable("no answer")
        self.apply(change, tick)
        if mishap == "ambiguous":
            raise Unreachable("no answer")

    def apply(self, change: Write, tick: int) -> None:
        if change.leased and change.lease not in self.leases:
            raise LeaseGone(f"{change.lease}")
        wrong = [key for key in change.absent if key in self.records]
        wrong += [key for key, value in change.equal.items() if self.records.get(key) != value]
        if wrong:
            raise Conflict(", ".join(wrong))
        self._put(change, tick)

    def _put(self, change: Write, tick: int) -> None:
        self.revision += 1
        self._snapshot = None
        for key in change.delete:
            self.records.pop(key, None)
            self._bound.pop(key, None)
        for key in change.put:
            self._bound.pop(key, None)
        for key in change.leased:
            self._bound[key] = change.lease
        self.records.update(change.put)
        self.records.update(change.leased)
        self.history.append((tick, change))

    def arrive(self, tick: int) -> None:
        """What was late: nobody is told how it went."""
        due = [write for at, write in self.late if at <= tick]
        self.late = [each for each in self.late if each[0] > tick]
        for write in due:
            try:
                self.apply(write, tick)
            except (Conflict, LeaseGone):
                continue

    def expire(self, tick: int) -> int | None:
        """Ends what was not kept. The tick at which the next one ends if nobody comes back; leases stand still while the
        store is down, for a new leader gives them their whole time again.
        """
        if not self.up:
            return None
        soonest = None
        for number, lease in list(self.leases.items()):
            lease.kept = max(lease.kept, lease.owner.contact(tick))
            if tick - lease.kept >= LEASE_TICKS:
                del self.leases[number]
                gone = tuple(key for key, bound in self._bound.items() if bound == number)
                if gone:
                    self._put(Write(delete=gone), tick)
            elif lease.kept < tick:
                end = lease.kept + LEASE_TICKS
                soonest = end if soonest is None else min(soonest, end)
        return soonest

    def back(self, tick: int) -> None:
        self.up = True
        for lease in self.leases.values():
            lease.kept = tick
