"""The arithmetic of a timeline, by histories made by hand."""

from __future__ import annotations

import json

import pytest
from drills_kit import END, FAULT, history, reads, row

from trimtab.drills.history import Events, Mark, Order
from trimtab.drills.timeline import Grid, summary, timeline


def at(seconds: float) -> int:
    """The bin of a moment since the fault; the history of the kit begins 3 s before it."""
    return round((seconds + 3.0) * 10)


def test_a_bin_begins_with_the_fault_and_an_edge_belongs_to_the_later_bin() -> None:
    grid = Grid.of(history())
    assert (grid.first, grid.bins) == (-30, 150)
    assert grid.place(FAULT) == 30
    assert [grid.place(FAULT + n / 10) for n in range(5)] == [30, 31, 32, 33, 34]
    assert grid.place(FAULT - 0.0001) == 29
    assert grid.place(99.9) is None
    assert grid.place(END) is None


def test_a_run_that_begins_between_two_bins_keeps_both_ends() -> None:
    grid = Grid.of(history(events=Events(100.04, FAULT, None, None, 104.26)))
    assert (grid.first, grid.bins) == (-30, 43)
    assert grid.place(100.04) == 0
    assert grid.place(104.25) == 42


def test_reads_count_where_they_were_sent() -> None:
    found = timeline(history(reads={"asia": reads(lambda since: 0 <= since < 0.25)}))
    asia = found["regions"]["asia"]
    assert found["step_s"] == 0.1
    assert found["from_s"] == -3.0
    assert asia["sent"] == [10] * 150
    assert asia["failed"][at(0) - 1 : at(0) + 4] == [0, 10, 10, 5, 0]
    assert sum(asia["failed_after_retry"]) == 0


def test_latency_is_of_those_that_got_an_answer_and_null_where_none_did() -> None:
    rows = (
        row(FAULT + 0.01, latency=0.02, total=0.02),
        row(FAULT + 0.02, latency=0.04, total=0.04),
        row(FAULT + 0.03, ok=False, ok_after_retry=False, total=1.9),
        row(FAULT + 0.11, ok=False, ok_after_retry=False, total=1.9),
        row(FAULT + 0.21, ok=False, total=1.2),
    )
    asia = timeline(history(reads={"asia": rows}, orders={}))["regions"]["asia"]
    columns = [asia[key][at(0) : at(0) + 3] for key in ("p50_ms", "p99_ms", "max_ms")]
    assert columns == [[20.0, None, 1200.0], [40.0, None, 1200.0], [40.0, None, 1200.0]]
    assert asia["failed_after_retry"][at(0) : at(0) + 3] == [1, 1, 0]


def test_orders_count_where_they_were_answered_and_unknown_ones_where_they_were_sent() -> None:
    placed = (
        Order("a", FAULT - 0.2, FAULT + 0.05, "ok"),
        Order("b", FAULT, FAULT + 1.55, "failed"),
        Order("c", FAULT + 0.32, None, "unknown"),
        Order("d", FAULT + 0.34, FAULT + 2.0, "unknown"),
        Order("e", END - 0.1, END + 4.0, "ok"),
    )
    asia = timeline(history(orders={"asia": placed}))["regions"]["asia"]
    where = {key: [n for n, count in enumerate(asia[key]) for _ in range(count)] for key in
             ("acknowledged", "refused", "unknown")}  # fmt: skip
    assert where == {"acknowledged": [at(0)], "refused": [at(1.5)], "unknown": [at(0.3), at(0.3)]}


def test_events_and_marks_are_in_order_and_what_did_not_happen_is_not_there() -> None:
    marks = (Mark(FAULT + 0.21, "the prefix leaves"), Mark(FAULT - 1, "a replica is cut off"))
    told = timeline(history(marks=marks))["events"]
    assert [(event["at_s"], event["kind"]) for event in told] == [
        (-1.0, "mark"), (0.0, "fault"), (0.21, "mark"), (5.0, "restore"), (7.0, "ready"),
    ]  # fmt: skip
    assert told[2]["says"] == "the prefix leaves"
    without = timeline(history(events=Events(100.0, FAULT, None, None, END)))["events"]
    assert [event["kind"] for event in without] == ["fault"]


def test_phases_have_their_latency_by_region_and_together() -> None:
    slow = reads(latency=0.1, total=0.1)
    found = timeline(history(reads={"asia": reads(), "america": slow}))["latency_ms"]
    assert found["asia"]["before"] == {"p50": 20.0, "p99": 20.0, "max": 20.0}
    assert found[""]["before"] == {"p50": 20.0, "p99": 100.0, "max": 100.0}
    assert set(found["america"]) == {"before", "during", "recovery", "after"}


def test_a_region_without_a_record_is_empty_and_not_an_error() -> None:
    found = timeline(history(reads={"asia": ()}, orders={}))
    asia = found["regions"]["asia"]
    assert sum(asia["sent"]) == 0
    assert set(asia["p50_ms"]) == {None}
    assert found["latency_ms"][""]["before"] == {"p50": None, "p99": None, "max": None}


def test_it_is_json_and_small() -> None:
    assert len(json.dumps(timeline(history()))) < 25_000


def test_a_summary_of_nothing() -> None:
    assert summary([]) == {"p50": None, "p99": None, "max": None}
    assert summary([0.25])["p99"] == pytest.approx(250.0)
