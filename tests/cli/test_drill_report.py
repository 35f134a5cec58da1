"""`drill run --report` and `drill compare` as a user runs them; nothing here starts a twin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_kit import SHOP, run

SMALL: dict[str, Any] = {
    "format": 1, "scenario": "site-power-cut", "verdict": "true", "summary": {}, "predicted": {"outage_s": None},
    "configuration": "aaaa",
    "runs": [
        {"outage_s": 0.2, "write_outage_s": None, "failed": 3, "failed_after_retry": 0, "lost_orders": 0,
         "p99_ms": {"before": 20.0, "during": 900.0, "after": 20.0}, "machine": {"load_average": [0.1, 0.5]}},
    ],
}  # fmt: skip


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """a and b: the same drill, worse the second time."""
    for name, verdict, outage in (("a", "true", 0.2), ("b", "false", 1.4)):
        (tmp_path / name).mkdir()
        runs = [{**SMALL["runs"][0], "outage_s": outage}]
        (tmp_path / name / "report.json").write_text(json.dumps({**SMALL, "verdict": verdict, "runs": runs}))
    return tmp_path


def test_a_report_that_could_not_be_written_is_bad_input_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("drill", "run", "site-power-cut", "-e", str(SHOP), "--report", "file/out", cwd=tmp_path)
    assert done.returncode == 2
    assert "no report can be written to file/out" in done.stderr
    assert "starting" not in done.stderr


def test_compare_says_what_changed_and_ends_with_one_if_a_verdict_got_worse(stored: Path) -> None:
    done = run("drill", "compare", "a", "b/report.json", cwd=stored)
    assert done.returncode == 1
    assert "the verdict is worse" in done.stdout
    assert "reads out           0.20 s          1.40 s          +1.20 s" in done.stdout
    assert run("drill", "compare", "b", "a", cwd=stored).returncode == 0
    assert run("drill", "compare", "a", "a", cwd=stored).returncode == 0


def test_compare_gives_objects(stored: Path) -> None:
    done = run("drill", "compare", "a", "b", "--json", cwd=stored)
    found = json.loads(done.stdout)
    assert found[0]["worse"] is True
    reads = next(change for change in found[0]["changes"] if change["what"] == "reads out")
    assert (reads["a"], reads["b"], reads["difference"], reads["beyond"]) == (0.2, 1.4, 1.2, None)


def test_compare_of_sets_tells_what_only_one_has(stored: Path) -> None:
    other = stored / "a" / "extra"
    (stored / "a" / "report.json").rename(stored / "first.json")
    for folder, name in (("site", "site-power-cut"), ("extra", "proxy-power-cut")):
        (stored / "a" / folder).mkdir()
        (stored / "a" / folder / "report.json").write_text(json.dumps({**SMALL, "scenario": name}))
    assert other.exists()
    done = run("drill", "compare", "a", "first.json", cwd=stored)
    assert done.returncode == 0
    assert "proxy-power-cut: only in a" in done.stdout


def test_compare_of_what_is_no_report_is_bad_input(stored: Path) -> None:
    assert run("drill", "compare", "a", "nowhere", cwd=stored).returncode == 2
    (stored / "b/report.json").write_text(json.dumps({**SMALL, "scenario": "other"}))
    done = run("drill", "compare", "a", "b", cwd=stored)
    assert done.returncode == 2
    assert "no scenario in common" in done.stderr
