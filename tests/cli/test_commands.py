"""The command line as a user runs it: exit codes, standard output, standard error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cli_kit import SHOP, run
from tests.estate.make import SMALL


def test_check_of_a_good_file() -> None:
    done = run("check", "-e", str(SHOP))
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout and done.stderr == ""


def test_check_of_a_bad_file_is_two_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SMALL.replace("pool: web}", "pool: wbe}").replace("id: 1", "id: x"))
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert "estate.yaml:5:5  sites.one.id" in done.stderr and "estate.yaml:14:15" in done.stderr
    assert "did you mean `web`?" in done.stderr and "Traceback" not in done.stderr
    listed = json.loads(run("check", "--json", cwd=tmp_path).stdout)
    assert listed["ok"] is False and [f["line"] for f in listed["faults"]] == [5, 14]


def test_no_file_and_no_command_are_bad_input(tmp_path: Path) -> None:
    assert run("check", cwd=tmp_path).returncode == 2
    assert run("chekc", cwd=tmp_path).returncode == 2
    assert run("build", "-e", str(SHOP), cwd=tmp_path).returncode == 2


def test_init_writes_an_estate_that_checks_and_never_overwrites(tmp_path: Path) -> None:
    assert run("init", "mine", cwd=tmp_path).returncode == 0
    assert run("check", "-e", "mine/estate.yaml", cwd=tmp_path).returncode == 0
    before = (tmp_path / "mine/estate.yaml").read_text()
    assert run("init", "mine", "--from", "enterprise", cwd=tmp_path).returncode == 2
    assert (tmp_path / "mine/estate.yaml").read_text() == before
    assert run("init", "other", "--from", "nothing", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "other").exists()


def test_show_and_schema_are_json(tmp_path: Path) -> None:
    shown = json.loads(run("show", "--json", "-e", str(SHOP)).stdout)
    assert [s["name"] for s in shown["sites"]] == ["hk", "sg", "la"]
    assert shown["services"][0]["vips"]["hk"] == ["203.0.113.10", "2001:db8:113::a"]
    assert json.loads(run("schema").stdout)["title"] == "Trimtab estate"


def test_a_bad_estate_builds_nothing(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text("estate: x\n")
    assert run("build", "-o", "out", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "out").exists()


def test_a_twin_that_does_not_run_is_exit_three(tmp_path: Path) -> None:
    done = run("lab", "status", "--name", "none-such", "-e", str(SHOP))
    assert done.returncode == 3 and "Traceback" not in done.stderr


def test_an_unknown_scenario_is_bad_input() -> None:
    done = run("drill", "run", "meteorite", "-e", str(SHOP))
    assert done.returncode == 2 and "meteorite" in done.stderr and "site-power-cut" in done.stderr


@pytest.mark.parametrize("name", ["", "Bad", "../x", "a" * 60])
def test_a_hostile_twin_name_is_refused(name: str) -> None:
    assert run("lab", "status", "--name", name, "-e", str(SHOP)).returncode == 2


@pytest.mark.parametrize(
    "words",
    [
        ("init", ""),
        ("check", "-e", ""),
        ("build", "-o", ""),
        ("drill", "compare", "", "b"),
        ("agent", "--root", ""),
    ],
)
def test_nothing_is_no_folder(tmp_path: Path, words: tuple[str, ...]) -> None:
    """It would be the one that somebody stands in."""
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2 and "named by nothing" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_estate_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").touch()
    done = run("check", "-e", str(tmp_path))
    assert done.returncode == 2 and f"-e {tmp_path / 'estate.yaml'}" in done.stderr
    done = run("init", str(tmp_path / "estate.yaml"))
    assert done.returncode == 2 and "estate.yaml is a file" in done.stderr
