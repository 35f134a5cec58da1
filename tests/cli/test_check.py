"""`trimtab check` and `trimtab explain` as a user runs them."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_kit import run
from trimtab.checks.finding import Hit
from trimtab.checks.registry import known
from trimtab.checks.rules import fall_one
from trimtab.checks.subject import Subject
from trimtab.cli import main

ROOT = Path(__file__).parents[2]
BASE = (ROOT / "tests/checks/base.yaml").read_text()
SLOW_BFD = BASE + "tiers: {router: {bfd: 1500ms x 3, hold: 3s}}\n"


def test_an_error_is_exit_one_with_place_reason_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SLOW_BFD)
    done = run("check", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and done.stderr == ""
    assert lines[0] == f"estate.yaml:{len(SLOW_BFD.splitlines())}:18  bfd-slower-than-hold  error"
    assert lines[1] == "    BFD needs 4.5 s (1500ms x 3), the hold timer ends after 3 s: BFD will never act"
    assert lines[2].startswith("    lower `bfd`") and lines[2].endswith(
        "trimtab explain bfd-slower-than-hold"
    )
    assert re.fullmatch(r"1 error, 0 warnings in 2 sites, 16 hosts, 1 service \(\d+\.\d s\)", lines[3])


def test_warnings_alone_are_exit_zero(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(BASE.replace("    tls: {hsts: 1y}\n", ""))
    done = run("check", cwd=tmp_path)
    assert done.returncode == 0 and "0 errors, 1 warning in 2 sites" in done.stdout


def test_accepted_findings_are_counted(tmp_path: Path) -> None:
    text = SLOW_BFD + "accept: [{rule: bfd-slower-than-hold, reason: a demonstration}]\n"
    (tmp_path / "estate.yaml").write_text(text)
    done = run("check", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("0 errors, 0 warnings, 1 accepted in 2 sites")


def test_accepting_no_rule_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SLOW_BFD + "accept: [{rule: bfd-slower, reason: x}]\n")
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean `bfd-slower-than-hold`?" in done.stderr


def test_json_and_sarif_have_the_exit_code_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SLOW_BFD)
    done = run("check", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (
        done.returncode == 1
        and found["ok"] is False
        and found["findings"][0]["rule"] == "bfd-slower-than-hold"
    )
    done = run("check", "--sarif", cwd=tmp_path)
    assert done.returncode == 1 and json.loads(done.stdout)["runs"][0]["results"][0]["level"] == "error"
    assert run("check", "--json", "--sarif", cwd=tmp_path).returncode == 2


def test_sarif_of_a_file_that_is_no_estate_is_exit_two(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text("estate: x\n")
    done = run("check", "--sarif", cwd=tmp_path)
    assert done.returncode == 2 and json.loads(done.stdout)["runs"][0]["results"][0]["ruleId"] == "bad-estate"


def test_a_weak_password_in_the_environment_is_found_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "estate.yaml").write_text(BASE)
    monkeypatch.setenv("BGP_ONE_A", "hunter2")
    done = run("check", cwd=tmp_path)
    assert done.returncode == 1 and "weak-password" in done.stdout and "hunter2" not in done.stdout


def test_a_secret_that_is_a_pipe_does_not_keep_us_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "estate.yaml").write_text(BASE.replace("env:BGP_ONE_A", "file:pipe"))
    assert run("check", cwd=tmp_path).returncode == 0


def test_a_rule_that_fails_is_exit_one_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Subject) -> Iterator[Hit]:
        raise LookupError("by design")

    monkeypatch.setattr(fall_one, "find", broken)
    (tmp_path / "estate.yaml").write_text(BASE)
    monkeypatch.setattr(sys, "argv", ["trimtab", "check", "--json", "-e", str(tmp_path / "estate.yaml")])
    with pytest.raises(SystemExit) as caught:
        main()
    told = capsys.readouterr()
    assert caught.value.code == 1 and told.out == ""
    assert told.err.startswith("the rule fall-one failed: LookupError: by design")


def test_explain_shows_one_rule_or_lists_all() -> None:
    page = run("explain", "fall-one")
    assert page.returncode == 0
    assert all(
        word in page.stdout
        for word in ("fall-one  (error)", "Source:", "Bad:", "Good:", "fall: 1", "accept:")
    )
    listed = run("explain")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(known())
    assert run("explain", "--list").stdout == listed.stdout
    as_json = json.loads(run("explain", "fall-one", "--json").stdout)
    assert list(as_json) == ["rule", "severity", "title", "why", "source", "bad", "good", "fix"]
    assert len(json.loads(run("explain", "--json").stdout)) == len(known())


def test_explaining_no_rule_is_bad_input() -> None:
    done = run("explain", "fall-two")
    assert done.returncode == 2 and "did you mean `fall-one`?" in done.stderr


def test_the_example_that_must_fail_is_no_start(tmp_path: Path) -> None:
    done = run("check", "-e", str(ROOT / "examples/promises/estate.yaml"))
    assert done.returncode == 1 and "n-1-bandwidth" in done.stdout
    assert run("init", "mine", cwd=tmp_path).returncode == 0
    assert run("check", "-e", "mine/estate.yaml", cwd=tmp_path).returncode == 0
