"""The table on a terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from drills_kit import history
from drills_report_kit import out_for, result
from rich.console import Console

from trimtab.drills.report_text import report
from trimtab.drills.result import ScenarioResult
from trimtab.drills.scenario_file import find


def said(found: ScenarioResult, **other: Any) -> list[str]:
    text = io.StringIO()
    report(found, Console(file=text), **other)
    return text.getvalue().splitlines()


def test_the_table_is_as_wide_as_it_was() -> None:
    lines = said(result([out_for(0.35)]), source_s=23.0)
    assert lines[1].split() == ["promised", "predicted", "measured", "(worst", "of", "1)", "published"]
    assert lines[2] == "reads, asia              ≤ 1 s     0.20–0.40 s  0.34 s                    23 s"
    assert lines[1].index("measured") == lines[2].index("0.34")


def test_what_a_scenario_claims_beyond_the_estate_is_in_the_table() -> None:
    scenario = find("store-leader-loss")
    seen = {
        when: {"store": {"leader": name}}
        for when, name in (("before", "hk-orders-1"), ("during", "la-orders-1"))
    }
    lines = said(result([out_for(0.35, evidence=seen)], scenario=scenario))
    table = [line.split("  ") for line in lines]
    rows = {cells[0]: [cell.strip() for cell in cells[1:] if cell] for cells in table if cells[0]}
    assert rows["the store's leader"] == ["moves", "hk-orders-1 → la-orders-1"]
    assert rows["requests failed"] == ["≤ 0", "35 of 3,000"]


def test_the_last_line_says_where_the_report_is() -> None:
    last = said(result([out_for(0.35)]), page=Path("out/[red]/report.html"))[-1]
    assert last == "true  report: out/[red]/report.html  records: /records"


def test_an_unbounded_prediction_keeps_the_columns_straight() -> None:
    predicted = {"outage_s": [0.2, None], "write_outage_s": [None, None]}
    lines = said(result([out_for(0.35)], predicted=predicted))
    assert "0.20 s – until repair" in lines[2]
    assert len({lines[1].index("measured"), lines[2].index("0.34")}) == 1
    assert any(line.startswith("writes") and "until repair" in line for line in lines)
    assert not any("prediction" in line for line in lines)


def test_a_figure_outside_its_prediction_has_a_line() -> None:
    lines = said(result([out_for(0.35), out_for(0.8)]))
    assert (
        "  reads, asia: 0.39 s above its prediction of 0.20–0.40 s; the machine was busy, or the model is wrong"
        in lines
    )
    quick = said(result([history()]))
    assert any("reads, asia: 0.20 s below its prediction" in line for line in quick)
