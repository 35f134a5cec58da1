"""`trimtab timing` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.cli_kit import SHOP, run
from tests.estate.make import SMALL

ENTERPRISE = SHOP.parents[1] / "enterprise/estate.yaml"


def test_the_shops_table() -> None:
    done = run("timing", "-e", str(SHOP))
    assert done.returncode == 0
    first = done.stdout.splitlines()[1]
    assert (
        first.split()[:2] == ["site-power-cut", "reads"] and "≤ 1 s" in first and "only in the twin" in first
    )
    assert "\x1b" not in done.stdout and "until repair: " in done.stderr
    assert first.split()[5:9] == ["0.19–0.42", "s", "100", "%"] and "not always" not in done.stderr


def test_a_promise_that_a_split_vote_breaks_is_told(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SHOP.read_text().replace("write: {rto: 9s", "write: {rto: 5s"))
    done = run("timing", "store-leader-loss", cwd=tmp_path)
    row = next(row for row in done.stdout.splitlines() if row.startswith(" ") and "writes" in row)
    assert done.returncode == 0 and row.count("97.1 %") == 2 and row.endswith("holds")
    assert "not always: " in done.stderr and "97.1 % stay within the promise (1 fault)" in done.stderr


def test_a_named_fault_shows_its_arithmetic_with_sources() -> None:
    done = run("timing", "proxy-power-cut", "-e", str(SHOP), "--world", "twin")
    assert done.returncode == 0 and "RFC 5798, 6.1" in done.stdout and "site-power-cut" not in done.stdout
    assert "Internet" not in done.stdout
    assert "RFC 5798, 6.1" in run("timing", "--terms", "-e", str(SHOP)).stdout


def test_json() -> None:
    found = json.loads(run("timing", "site-partition", "--json", "-e", str(SHOP)).stdout)
    assert found["estate"] == "shop" and found["kept"] is True
    assert found["promised"] == {"rto_s": 1.0, "write_rto_s": 9.0}
    (fault,) = found["faults"]
    assert [figure["name"] for figure in fault["figures"]] == ["reads", "writes", "majority", "minority"]
    assert fault["figures"][1]["twin"] == [None, None] and fault["figures"][2]["verdict"] == "holds"
    assert fault["figures"][0]["within"] == {"twin": 1.0, "internet": 1.0}
    assert 0.999 < fault["figures"][2]["within"]["twin"] < 1.0 and fault["figures"][3]["within"] is None
    assert fault["terms"] and set(fault["terms"][0]) >= {
        "world",
        "of",
        "layer",
        "what",
        "low",
        "high",
        "source",
    }


def test_json_of_one_world() -> None:
    found = json.loads(run("timing", "--json", "--world", "twin", "-e", str(SHOP)).stdout)
    assert all("internet" not in f for fault in found["faults"] for f in fault["figures"])
    assert {t["world"] for fault in found["faults"] for t in fault["terms"]} == {"twin"}
    assert {tuple(f["within"]) for fault in found["faults"] for f in fault["figures"] if f["within"]} == {
        ("twin",)
    }


def test_a_promise_that_no_timer_can_keep_is_one(tmp_path: Path) -> None:
    text = SMALL + "objectives: {rto: 100ms}\nvrrp: {advert: 1s}\n"
    (tmp_path / "estate.yaml").write_text(text)
    done = run("timing", cwd=tmp_path)
    assert done.returncode == 1 and "cannot be kept" in done.stdout and "cannot be kept" in done.stderr
    assert json.loads(run("timing", "--json", cwd=tmp_path).stdout)["kept"] is False


def test_an_unknown_fault_lists_the_known_ones() -> None:
    done = run("timing", "meteorite", "-e", str(SHOP))
    assert done.returncode == 2 and "meteorite" in done.stderr and "site-power-cut" in done.stderr
    assert run("timing", "store-leader-loss", "-e", str(ENTERPRISE)).returncode == 2
    assert run("timing", "--world", "moon", "-e", str(SHOP)).returncode == 2
