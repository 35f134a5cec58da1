"""What `drill run --json` prints, what a report keeps beyond it, and what counts as predicted."""

from __future__ import annotations

from typing import Any

import pytest
from drills_kit import history
from drills_report_kit import out_for, result

from trimtab.drills.report.predicted import beside, interval, within, within_prediction


def test_the_timeline_is_in_the_report_and_not_on_standard_output() -> None:
    found = result([out_for(0.35)])
    assert "timeline" in found.to_report()["runs"][0]
    printed = found.to_json()
    assert "timeline" not in printed["runs"][0]
    assert set(printed["runs"][0]) == set(found.to_report()["runs"][0]) - {"timeline"}
    assert "timeline" in found.runs[0].figures


def test_a_run_says_what_the_witnesses_saw_and_whether_it_was_predicted() -> None:
    seen = {"before": {"vip": {"holder": "hk-proxy-1"}}, "during": {"vip": {"holder": "hk-proxy-2"}}}
    run = result([out_for(0.35, evidence=seen)]).to_json()["runs"][0]
    assert run["evidence"] == seen
    assert run["within_prediction"] == {
        "outage_s": True, "write_outage_s": False, "by_s": {"outage_s": 0.0, "write_outage_s": -0.2}
    }  # fmt: skip


def test_runs_that_did_not_take_place_leave_it_unknown() -> None:
    found = result([history()], wanted=2)
    assert found.verdict == "unknown"
    assert found.to_json()["wanted_runs"] == 2


def test_the_claims_are_the_limits_that_were_judged_by() -> None:
    claims = result([history()]).to_json()["claims"]
    assert (claims["reads_s"], claims["writes_s"], claims["lost"]) == (1.0, 5.0, 0)


@pytest.mark.parametrize(
    ("measured", "predicted", "answer"),
    [
        (0.3, [0.2, 0.4], True),
        (0.5, [0.2, 0.4], True),  # 0.1 s is more than a fifth of 0.4
        (0.51, [0.2, 0.4], False),
        (0.1, [0.2, 0.4], True),
        (0.09, [0.2, 0.4], False),
        (4.8, [1.0, 4.0], True),  # a fifth of 4 is more than 0.1 s
        (4.81, [1.0, 4.0], False),
        (0.0, [0.0, 0.0], True),
        (0.11, [0.0, 0.0], False),
        (0.3, 0.25, True),
        (None, [0.2, 0.4], None),
        (0.3, None, None),
        (0.3, [0.2, None], None),
        (0.3, [None, None], None),
        (0.3, [None, 0.4], None),
    ],
)
def test_within_is_a_fifth_or_a_tenth_of_a_second(
    measured: float | None, predicted: Any, answer: bool | None
) -> None:
    assert within(measured, predicted) is answer


def test_beside_counts_from_the_interval_as_predicted() -> None:
    assert beside(0.45, [0.2, 0.4]) == pytest.approx(0.05)
    assert beside(0.15, [0.2, 0.4]) == pytest.approx(-0.05)
    assert beside(0.3, [0.2, 0.4]) == 0
    assert beside(0.3, [0.2, None]) is None


def test_what_is_no_interval_is_none() -> None:
    assert interval([0.1]) is None
    assert interval("0.1") is None
    assert interval(True) is None


def test_nothing_predicted_is_null() -> None:
    found = within_prediction({"outage_s": 0.3, "write_outage_s": None}, {})
    assert found == {
        "outage_s": None, "write_outage_s": None, "by_s": {"outage_s": None, "write_outage_s": None}
    }  # fmt: skip
