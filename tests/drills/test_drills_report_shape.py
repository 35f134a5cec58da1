"""What is no report is refused with its file and key, and never costs another drill its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from drills_report_kit import out_for, report, result

from trimtab.cli import drill
from trimtab.drills.report.compare import compare
from trimtab.drills.report.folder import load, write
from trimtab.drills.report.shape import faults
from trimtab.errors import BadInput

GOOD: dict[str, Any] = {
    "format": 1, "scenario": "s", "verdict": "true", "runs": [], "summary": {}, "predicted": {},
}  # fmt: skip


def test_a_report_has_its_own_shape() -> None:
    found = json.loads(json.dumps(report(out_for(0.35), out_for(0.25), predicted={"outage_s": [0.1, None]})))
    assert list(faults(found)) == []
    assert list(faults(GOOD)) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"verdict": "maybe"}, "`verdict` should be one of false, unknown, true"),
        ({"runs": None}, "`runs` should be a list"),
        ({"runs": {"a": 1}}, "`runs` should be a list"),
        ({"runs": [1]}, "`runs[0]` should be a map"),
        ({"runs": [{"outage_s": "x"}]}, "`runs[0].outage_s` should be a number"),
        ({"runs": [{"failed": math.inf}]}, "`runs[0].failed` should be a number"),
        ({"runs": [{"failed": True}]}, "`runs[0].failed` should be a number"),
        ({"runs": [{"failed": 10**400}]}, "`runs[0].failed` should be a number"),
        ({"runs": [{"outage_s": math.nan}]}, "`runs[0].outage_s` should be a number"),
        ({"runs": [{"p99_ms": [1]}]}, "`runs[0].p99_ms` should be a map"),
        ({"runs": [{"machine": None}]}, "`runs[0].machine` should be a map"),
        ({"runs": [{"machine": {"load_average": "abc"}}]}, "`runs[0].machine.load_average` should be a list"),
        ({"scenario": ["x"]}, "`scenario` should be text"),
        ({"predicted": []}, "`predicted` should be a map"),
        ({"predicted": {"outage_s": ["a", None]}}, "`predicted.outage_s[0]` should be a number"),
        ({"predicted": {"outage_s": [1]}}, "`predicted.outage_s` should be a number, or a list of two"),
        ({"configuration": ["a"]}, "`configuration` should be text"),
        ({"format": True}, "has format true, this version reads 1"),
    ],
)  # fmt: skip
def test_another_shape_is_bad_input_with_file_and_key(
    tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**GOOD, **changed}))
    with pytest.raises(BadInput) as refused:
        load(path)
    assert says in refused.value.message and str(path) in refused.value.message


def test_nested_beyond_all_reason_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("[" * 100_000)
    with pytest.raises(BadInput, match="no JSON"):
        load(tmp_path)


def test_what_passes_can_be_compared(tmp_path: Path) -> None:
    spare = {**GOOD, "runs": [{"p99_ms": None, "outage_s": None, "machine": {}}]}
    assert list(faults(spare)) == []
    assert compare(spare, GOOD).worse is False


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "maybe"}, {"runs": None}, {"runs": []}, {"runs": [{}]}, {"scenario": ["x"]}, {"predicted": []},
        {"claims": {"conduct": 1}},
    ],
)  # fmt: skip
def test_a_foreign_neighbour_is_left_out_with_a_note(tmp_path: Path, changed: dict[str, Any]) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/report.json").write_text(json.dumps({**GOOD, **changed}))
    notes: list[str] = []
    for name in ("a", "b"):
        write(tmp_path, name, {**report(), "scenario": name}, notes.append)
    index = (tmp_path / "index.html").read_text()
    assert 'href="a/report.html"' in index and 'href="b/report.html"' in index and "old" not in index
    assert notes and all("left out of the index" in note and "old/report.json" in note for note in notes)


def test_records_that_cannot_be_kept_cost_no_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = result([out_for(0.35)])
    kept, whole = drill._keep(found, tmp_path / "records", lasting=False)
    assert not whole and kept.runs[0].figures["records"] is None
    assert kept.runs[0].figures["outage_s"] == found.runs[0].figures["outage_s"]
    assert "records of site-power-cut could not be kept" in capsys.readouterr().err


def test_a_report_that_cannot_be_made_costs_no_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> Any:
        raise KeyError("facts")

    assert drill._write(tmp_path, "a", result([out_for(0.35)]), gone) is None
    assert "report of site-power-cut could not be written: KeyError" in capsys.readouterr().err
