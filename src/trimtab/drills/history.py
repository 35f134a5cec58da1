"""What happened in one run of a drill, as frozen records. Checkers read it and nothing else.

All times are seconds of time.monotonic(), one clock for all namespaces of a machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trimtab.drills.load.record import Row

OrderOutcome = Literal["ok", "failed", "unknown"]
PHASES = ("before", "during", "recovery", "after")


@dataclass(frozen=True, slots=True)
class Order:
    """One order as its region's `put` process told it. answered: None if it never did (then unknown).

    told: what the service answered to attempts that `put` made again, such as `503`.
    """

    key: str
    sent: float
    answered: float | None
    outcome: OrderOutcome
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Events:
    """When things happened. restore: None where nothing had to be restored by hand (a supervisor did it)."""

    begin: float
    fault: float
    restore: float | None
    ready: float | None
    end: float

    def phase(self, name: str) -> tuple[float, float]:
        """[from, to) of a phase; an empty one begins where it ends.

        before: load without fault.  during: from the fault until the restoration begins.
        recovery: from there until everything is ready.  after: from there to the end.
        """
        ready = self.end if self.ready is None else self.ready
        restore = ready if self.restore is None else self.restore
        edges = (self.begin, self.fault, restore, ready, self.end)
        number = PHASES.index(name)
        return edges[number], edges[number + 1]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, for people to see on a timeline. at: seconds of time.monotonic()."""

    at: float
    says: str


@dataclass(frozen=True, slots=True)
class Expected:
    """How many requests and orders a second each region's load was asked for."""

    reads: float
    orders: float


@dataclass(frozen=True, slots=True)
class History:
    """reads, orders: by region, in order of sending.  stored: count by key as read back, None if unknown.

    site: where the fault was.  gaps: why a part of the record is missing; any of them makes the load's
    verdict unknown.  marks: what happened, in order.  evidence: what the fault's own probe saw `before`,
    `during` and `after` it, by name (who holds the VIP, who leads the store, which worker serves).  away_s: by region the
    round trip to the site.
    """

    site: str
    events: Events
    expected: Expected
    reads: Mapping[str, tuple[Row, ...]]
    orders: Mapping[str, tuple[Order, ...]] = field(default_factory=dict)
    stored: Mapping[str, int] | None = None
    gaps: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    away_s: Mapping[str, float] = field(default_factory=dict)

    def reads_in(self, region: str, since: float, until: float) -> tuple[Row, ...]:
        """A region's reads that were sent in [since, until)."""
        return tuple(row for row in self.reads[region] if since <= row.start < until)

    def reads_of(self, region: str, phase: str) -> tuple[Row, ...]:
        """A region's reads of a phase, by sending.

        But what was under way when the fault came belongs to `during`.
        """
        since, until = self.events.phase(phase)
        rows, fault = self.reads[region], self.events.fault
        if phase == "before":
            return tuple(row for row in rows if since <= row.start and row.start + row.total <= fault)
        hit = (
            tuple(row for row in rows if row.start < fault < row.start + row.total)
            if phase == "during"
            else ()
        )
        return hit + self.reads_in(region, since, until)

    def served_by(self, region: str) -> str:
        """The site that answered most of a region's reads before the fault; "" if none did."""
        sites = [row.site for row in self.reads_of(region, "before") if row.ok_after_retry and row.site]
        return max(sorted(set(sites)), key=sites.count, default="")

    def all_orders(self) -> Iterator[Order]:
        for orders in self.orders.values():
            yield from orders
