"""`bench/failover`: which trials there are, what is kept of them, and the figures that are made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import _common
import pytest
from _failover import trial as trial_module
from _failover.figures import counts, figures, raw
from _failover.plan import WATCHES, Trial, trials, watched
from _failover.record import Record, done, read
from _failover.trial import Configuration, attempts

from trimtab.drills.scenario import Inject, Observe
from trimtab.drills.scenario_file import find
from trimtab.drills.workload import Rates
from trimtab.lab.topology import Topology

CUT = "site-power-cut"
GOOD = Record(
    CUT, "ours", 1, "f", 0.3, False, "true", (), (0.5, 0.7), 1000, 9, 0.01, {"asia": 0.3}, "hk loses power",
    ("hk-proxy-1", None), 20.0,
)  # fmt: skip


def outages(configuration: str, *seconds: float, bound: bool = False) -> list[Record]:
    return [
        replace(GOOD, configuration=configuration, number=number, outage_s=value, bound=bound)
        for number, value in enumerate(seconds, 1)
    ]


def test_configurations_take_turns() -> None:
    order = list(trials(2, [CUT], ["ours", "hand-tuned"]))
    assert [(t.number, t.configuration) for t in order] == [
        (1, "ours"), (1, "hand-tuned"), (2, "ours"), (2, "hand-tuned"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", WATCHES)
def test_the_watch_has_the_drills_own_fault_and_outlasts_its_peers(name: str) -> None:
    fault = [step for step in find(name).steps if isinstance(step, Inject)]
    steps = watched(name).steps
    assert [step for step in steps if isinstance(step, Inject)] == fault
    assert isinstance(steps[-1], Observe) and steps[-1].at_most == WATCHES[name].at_most


def test_medians_worst_values_and_the_target() -> None:
    records = outages("ours", 0.2, 0.4, 0.3) + outages("hand-tuned", 8.0, 6.0, 9.0)
    found = figures(records)[0].as_json()
    assert (found["ours"], found["peers"]) == (0.3, {"hand-tuned": 8.0})
    assert found["worst"] == {"ours": 0.4, "hand-tuned": 9.0}
    assert found["runs"] == {"ours": 3, "hand-tuned": 3}
    assert found["met"] is True and "at_least" not in found
    assert figures([*records, *outages("hand-tuned", 1.0, 1.0, 1.0, 1.0)])[0].met is False


def test_an_outage_without_end_is_a_lower_bound() -> None:
    endless = outages("sources", 25.2, 25.1, bound=True)
    found = figures([GOOD, *endless, *outages("sources", 12.0)])[0].as_json()
    assert found["peers"] == {"sources": 25.0}
    assert found["at_least"] == found["worst_at_least"] == ("sources",)
    assert found["met"] is None  # the peer of the target was not measured
    ours = figures([*outages("ours", 25.1, bound=True), *outages("hand-tuned", 50.0)])[0]
    assert "ours" in ours.at_least and ours.met is False


def test_a_run_that_says_nothing_is_repeated_once_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    starved = replace(GOOD, load="unknown", reasons=("starved",), outage_s=5.0)
    answers = [starved, starved]
    monkeypatch.setattr(trial_module, "attempt", lambda *_: answers.pop())
    told: list[str] = []
    found = attempts(Trial(1, CUT, "ours"), Configuration(Topology("t", (), ()), "f"), Rates(), told.append)
    assert [record.superseded for record in found] == [True, False] and "starved" in told[0]
    assert counts([GOOD, *found]) == {"attempts": 3, "repeated": 1, "left_out": 1}
    assert figures(found) == [] and figures([GOOD, *found])[0].runs == {"ours": 1}


def test_a_stopped_bench_finds_its_trials_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_common, "RESULTS", tmp_path)
    records = [replace(GOOD, superseded=True), GOOD, *outages("sources", 45.0, bound=True)]
    _common.keep("failover", (0.1, 0.2, 0.3), figures(records), raw(records), counts(records))
    path = tmp_path / "failover.json"
    assert read(path) == records
    assert done(read(path)) == {Trial(1, CUT, "ours"), Trial(1, CUT, "sources")}
    assert json.loads(path.read_text())["repeated"] == 1
    for text in ('{"bench": "build", "raw": []}', "{}", "no json"):
        path.write_text(text)
        with pytest.raises(ValueError):
            read(path)
