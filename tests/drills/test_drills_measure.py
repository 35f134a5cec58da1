"""The definitions, on made-up requests: 100 a second, the fault at 103, the window until 115."""

from __future__ import annotations

from itertools import pairwise

import pytest
from drills_kit import END, FAULT, orders, reads, row
from hypothesis import given
from hypothesis import strategies as st

from trimtab.drills.history import Order
from trimtab.drills.measure import episodes, p99_ms, percentile, read_outage, write_outage


def test_nothing_failed_is_no_outage() -> None:
    found = read_outage(reads(), FAULT, END)
    assert (found.outage_s, found.recovered, found.failed) == (0.0, True, 0)


def test_an_outage_lasts_until_the_last_failing_read_was_sent() -> None:
    found = read_outage(reads(lambda at: 0 <= at <= 0.3), FAULT, END)
    assert found.outage_s == pytest.approx(0.3)
    assert found.last_failure_end_s == pytest.approx(1.2)  # the client's own time-out is in this one
    assert (found.recovered, found.later, found.failed_after_retry) == (True, (), 0)


def test_failures_before_the_fault_are_not_its_own() -> None:
    assert read_outage(reads(lambda at: at < 0), FAULT, END).outage_s == 0


def test_a_lull_shorter_than_a_second_does_not_end_an_outage() -> None:
    found = read_outage(reads(lambda at: 0 <= at <= 0.3 or at == 1.1), FAULT, END)
    assert found.outage_s == pytest.approx(1.1)


def test_failures_after_a_quiet_second_are_an_episode_of_their_own() -> None:
    found = read_outage(reads(lambda at: 0 <= at <= 0.3 or 2 <= at <= 4.5), FAULT, END)
    assert found.outage_s == pytest.approx(0.3)
    assert found.later == (pytest.approx(2.5),)


def test_an_outage_that_begins_late_counts_from_the_fault() -> None:
    assert read_outage(reads(lambda at: 2 <= at <= 2.2), FAULT, END).outage_s == pytest.approx(2.2)


def test_never_well_again_is_the_whole_window() -> None:
    found = read_outage(reads(lambda at: at >= 0 and round(at * 100) % 50 == 0), FAULT, END)
    assert (found.outage_s, found.recovered) == (END - FAULT, False)


def test_silence_is_not_recovery() -> None:
    rows = [row for row in reads(lambda at: at == 0) if row.start <= FAULT + 0.5]
    assert not read_outage(rows, FAULT, END).recovered


def test_one_failure_in_a_thousand_is_still_a_quiet_second() -> None:
    rows = reads(lambda at: at in (0, 0.5))
    dense = sorted((row for row in rows for _ in range(20 if row.ok else 1)), key=lambda row: row.start)
    assert read_outage(dense, FAULT, END).outage_s == 0.0  # the first failure; the second is one in 1,900


@given(st.sets(st.integers(0, 1199), max_size=60))
def test_an_outage_covers_every_failure_up_to_a_quiet_second(failing: set[int]) -> None:
    rows = reads(lambda at: round(at * 100) in failing)
    found = episodes(rows, FAULT, END)
    assert sum(episode.failed for episode in found) == len(failing)
    for earlier, later in pairwise(found):
        assert earlier.over
        assert later.first_sent - earlier.last_sent > 1.0


def test_a_write_outage_is_the_longest_wait_for_an_acknowledgement() -> None:
    found = write_outage(orders(quiet=(0.0, 2.0)), FAULT, FAULT, 108.0)
    assert found is not None
    assert found.write_outage_s == pytest.approx(2.1)
    assert found.over


def test_gaps_like_those_before_the_fault_are_noise() -> None:
    found = write_outage(orders(), FAULT, FAULT, 108.0)
    assert found is not None
    assert found.write_outage_s == 0
    assert found.noise_s == pytest.approx(0.1)


def test_no_acknowledgement_before_the_fault_tells_nothing() -> None:
    late = [Order("k", 104.0, 104.1, "ok")]
    assert write_outage(late, FAULT, FAULT, 108.0) is None


def test_orders_never_acknowledged_again_are_not_over() -> None:
    found = [
        order if order.sent < FAULT else Order(order.key, order.sent, None, "unknown") for order in orders()
    ]
    outage = write_outage(found, FAULT, FAULT, 108.0)
    assert outage is not None
    assert not outage.over
    assert outage.write_outage_s == pytest.approx(108.0 - 103.0, abs=0.2)
    assert outage.unknown == 50


def test_percentiles() -> None:
    assert percentile([], 0.99) is None
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert p99_ms(reads()) == 20.0


# Requests under way at a border, by hand: it lies at 105; those that fail do so after 0.9 s.

BORDER = 105.0
AT_BORDER = sorted(
    [
        *(row(100.0 + n / 10) for n in range(150) if n not in (30, 45, 50)),
        row(103.0, ok=False),  # known at 103.9
        row(104.5, ok=False),  # known at 105.4: under way
        row(105.0, ok=False),  # sent at the border itself
    ],
    key=lambda one: one.start,
)


def failures(since: float, until: float, **borders: bool) -> list[float]:
    return [read.start for one in episodes(AT_BORDER, since, until, **borders) for read in one.reads]


def test_what_is_sent_before_a_border_belongs_before_it_unless_it_leaves() -> None:
    assert failures(100.0, BORDER) == [103.0, 104.5]
    assert failures(100.0, BORDER, leaving=False) == [103.0]


def test_what_is_under_way_at_a_border_arrives_behind_it_if_asked() -> None:
    assert failures(BORDER, END) == [105.0]
    assert failures(BORDER, END, arriving=True) == [104.5, 105.0]


def test_leaving_and_arriving_count_every_failure_once() -> None:
    before, behind = failures(100.0, BORDER, leaving=False), failures(BORDER, END, arriving=True)
    assert sorted(before + behind) == [103.0, 104.5, 105.0]


def test_an_outage_ends_before_what_the_restoration_broke() -> None:
    found = read_outage(AT_BORDER, FAULT, BORDER)
    assert (found.outage_s, found.failed, found.recovered) == (0.0, 1, True)


def test_a_short_read_that_ended_before_the_border_is_not_under_way() -> None:
    rows = [row(104.0, ok=False, latency=0.5), *(row(104.1 + n / 10) for n in range(60))]
    assert [one.failed for one in episodes(rows, 100.0, BORDER, leaving=False)] == [1]
    assert episodes(rows, BORDER, END, arriving=True) == []
