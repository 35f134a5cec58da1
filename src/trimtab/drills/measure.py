"""The definitions behind every figure of a drill. Pure functions over requests and orders.

**outage_s** of a region: from the fault to the moment at which the last failing read was *sent* before one
whole second in which at least 99.9 % of the requests sent succeed; 0 if none failed. Reads on new and on
kept connections count; a read succeeds when its first attempt does, with the one transparent repeat that
every client makes when a reused connection was closed before any answer. It is measured by the time of
sending because a failure becomes known only after the client's own time-out, which says nothing of the
estate; that later moment is reported apart as `last_failure_end_s`. If no such second comes before the
window ends, the outage is the whole window and the region has not recovered. A read that is under way when the
restoration begins belongs to the recovery: that is what it met. Failures after that second are
further *episodes*, reported and judged by their own length.

**write_outage_s** of a region: the longest stretch without an acknowledged order that overlaps the time
after the fault; 0 if it is not longer than twice the longest such stretch before the fault, which is the
noise of an undisturbed run. It ends at the first acknowledgement, or when orders were no longer sent: then
it is not over.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trimtab.drills.history import Order
from trimtab.drills.load.record import Row

QUIET_SECONDS = 1.0
QUIET_SHARE = 0.999


@dataclass(frozen=True, slots=True)
class Episode:
    """Reads that failed close together. over: whether a quiet second followed within the window."""

    first_sent: float
    last_sent: float
    last_known: float
    failed: int
    over: bool
    reads: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """A region's reads after a fault. outage_s and last_failure_end_s count from the fault."""

    outage_s: float
    last_failure_end_s: float
    recovered: bool
    failed: int
    failed_after_retry: int
    later: tuple[float, ...] = ()


def episodes(
    reads: Sequence[Row], since: float, until: float, *, arriving: bool = False, leaving: bool = True
) -> list[Episode]:
    """Split the failing reads of [since, until) wherever a quiet second follows one.

    reads: all of a region's, in sending order; the quiet second may lie behind `until`. What was under way at a border
    failed by what happened there: arriving, leaving: whether such a read at `since`, at `until` belongs to the window.
    """
    if not leaving:
        reads = [row for row in reads if row.ok or not _under_way(row, until)]
    starts = [row.start for row in reads]
    failures = [
        row
        for row in reads
        if not row.ok and (since <= row.start or (arriving and _under_way(row, since))) and row.start < until
    ]
    found: list[list[Row]] = []
    ended = True
    for row in failures:
        if ended:
            found.append([])
        found[-1].append(row)
        ended = _quiet_second_after(reads, starts, row.start)
    return [
        Episode(group[0].start, group[-1].start, max(row.start + row.latency for row in group), len(group),
                over=group is not found[-1] or ended, reads=tuple(group))
        for group in found
    ]  # fmt: skip


def _under_way(row: Row, moment: float) -> bool:
    return row.start < moment < row.start + row.latency


def _quiet_second_after(reads: Sequence[Row], starts: Sequence[float], moment: float) -> bool:
    if moment + QUIET_SECONDS > starts[-1]:
        return False  # the load ended before the second did
    sent = reads[bisect_right(starts, moment) : bisect_right(starts, moment + QUIET_SECONDS)]
    return bool(sent) and sum(row.ok for row in sent) >= QUIET_SHARE * len(sent)


def read_outage(reads: Sequence[Row], fault: float, until: float, *, leaving: bool = False) -> Outage:
    """The outage of one region in [fault, until); see above.

    leaving: whether reads under way at `until` count, as they do where no repair begins there.
    """
    found = episodes(reads, fault, until, leaving=leaving)
    failed = sum(episode.failed for episode in found)
    if not found:
        return Outage(0.0, 0.0, True, 0, 0)
    lost = sum(
        1
        for row in reads
        if fault <= row.start < until and not row.ok_after_retry and (leaving or not _under_way(row, until))
    )
    first, later = found[0], tuple(round(one.last_sent - one.first_sent, 4) for one in found[1:])
    known = max(episode.last_known for episode in found) - fault
    if not all(episode.over for episode in found):
        return Outage(until - fault, known, False, failed, lost, later)
    return Outage(first.last_sent - fault, known, True, failed, lost, later)


@dataclass(frozen=True, slots=True)
class WriteOutage:
    """A region's orders after a fault.

    Noise_s: the longest stretch without acknowledgement before the fault.
    """

    write_outage_s: float
    over: bool
    noise_s: float
    failed: int
    unknown: int


def write_outage(orders: Sequence[Order], fault: float, since: float, until: float) -> WriteOutage | None:
    """The write outage of one region in [since, until).

    None if no order was acknowledged before the fault.
    """
    acknowledged = sorted(order.answered for order in orders if order.outcome == "ok" and order.answered)
    noise = _noise(acknowledged, fault)
    if noise is None:
        return None
    longest, over = _longest_gap(acknowledged, since, min(until, max(order.sent for order in orders)))
    asked = [order for order in orders if since <= order.sent < until]
    failed = sum(order.outcome == "failed" for order in asked)
    unknown = sum(order.outcome == "unknown" for order in asked)
    noisy = over and longest <= 2 * noise
    return WriteOutage(0.0 if noisy else longest, over, noise, failed, unknown)


def _noise(acknowledged: Sequence[float], fault: float) -> float | None:
    before = [moment for moment in acknowledged if moment <= fault]
    return max((later - earlier for earlier, later in pairwise(before)), default=0.0) if before else None


def _longest_gap(acknowledged: Sequence[float], since: float, until: float) -> tuple[float, bool]:
    """Longest stretch without acknowledgement that overlaps [since, until), and whether one ended it."""
    first = max(0, bisect_right(acknowledged, since) - 1)
    inside = list(acknowledged[first : bisect_right(acknowledged, until)])
    following = acknowledged[len(inside) + first : len(inside) + first + 1]
    gaps = [(later - earlier, True) for earlier, later in pairwise([*inside, *following])]
    if not following and inside:
        gaps.append((max(0.0, until - inside[-1]), False))
    longest, over = max(gaps, default=(0.0, True))
    # orders sent just before the end are acknowledged after it, or were the last: a short rest is no outage
    return longest, over or longest < QUIET_SECONDS


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def p99_ms(reads: Sequence[Row]) -> float | None:
    """99th percentile in ms of what users waited, retry included, over the reads answered in the end."""
    found = percentile([row.total for row in reads if row.ok_after_retry], 0.99)
    return None if found is None else round(found * 1000, 1)
