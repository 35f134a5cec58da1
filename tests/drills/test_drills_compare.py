"""What changed between two reports, and whether it is more than the runs differ among themselves."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from drills_report_kit import out_for, report

from trimtab.drills.report.compare import Change, compare, figure, in_words


def by_name(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Change]:
    return {change.what: change for change in compare(a, b).changes}


def test_the_same_report_has_not_changed() -> None:
    found = report(out_for(0.35), out_for(0.25))
    answer = compare(found, copy.deepcopy(found))
    assert not answer.worse
    assert all(change.same for change in answer.changes)
    assert {in_words(change) for change in answer.changes} <= {"same", ""}


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ("true", "unknown", True), ("true", "false", True), ("unknown", "false", True),
        ("false", "unknown", False), ("unknown", "true", False), ("true", "true", False),
    ],
)  # fmt: skip
def test_a_verdict_gets_worse_from_true_over_unknown_to_false(before: str, after: str, worse: bool) -> None:
    found = report()
    assert compare({**found, "verdict": before}, {**found, "verdict": after}).worse is worse


def test_a_difference_is_held_against_the_spread_of_the_runs() -> None:
    within = figure("reads out", "s", [0.20, 0.30], [0.28, 0.34])
    assert (within.a, within.b, within.difference) == (0.25, 0.31, 0.06)
    assert (within.spread, within.beyond) == (0.1, False)
    assert in_words(within) == "+0.06 s, within the spread of the runs (0.10 s)"
    beyond = figure("reads out", "s", [0.20, 0.30], [0.50])
    assert beyond.beyond is True
    assert in_words(beyond) == "+0.25 s, more than the spread of the runs (0.10 s)"
    better = figure("p99 during", "ms", [900.0, 910.0], [400.0, 410.0])
    assert in_words(better) == "−500 ms, more than the spread of the runs (10 ms)"


def test_of_one_run_each_the_spread_is_not_known() -> None:
    found = figure("reads out", "s", [0.2], [0.3])
    assert (found.spread, found.beyond) == (None, None)
    assert in_words(found) == "+0.10 s; one run each, so the spread is not known"


def test_what_one_of_them_did_not_measure() -> None:
    found = figure("writes out", "s", [None], [2.0])
    assert (found.a, found.b, found.difference) == (None, 2.0, None)
    assert in_words(found) == "known of one only"
    assert in_words(figure("writes out", "s", [], [])) == ""


def test_everything_that_may_explain_a_difference_is_there() -> None:
    a = report(out_for(0.35), configuration="aaaa")
    b = report(out_for(0.25), configuration="bbbb", predicted={"outage_s": [0.1, 0.2]})
    b["runs"][0]["lost_orders"] = 2
    b["runs"][0]["machine"] = {**b["runs"][0]["machine"], "load_average": [3.0, 8.5]}
    found = by_name(a, b)
    assert in_words(found["configuration"]) == "different"
    assert in_words(found["predicted reads"]) == "different"
    assert in_words(found["lost orders"]) == "+2"
    assert (found["machine load"].a, found["machine load"].b) == (1.75, 8.5)
    assert found["reads out"].difference == pytest.approx(-0.1)
    assert {"verdict", "writes out", "requests failed", "failed after retry", "p99 before", "p99 during",
            "p99 after"} <= set(found)  # fmt: skip


def test_the_json_says_the_same() -> None:
    found = compare(report(out_for(0.35)), report(out_for(0.25))).to_json()
    assert found["scenario"] == "site-power-cut"
    assert found["runs"] == [1, 1]
    assert found["worse"] is False
    assert {"what", "a", "b", "unit", "difference", "spread", "beyond", "same"} == set(found["changes"][0])
