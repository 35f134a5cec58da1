"""`scripts/new_rule` makes what the tests then demand to be filled in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.kit import ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("scripts/new_rule", "src/trimtab/checks/registry.py", "tests/checks/base.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "src/trimtab/checks/rules").mkdir()
    return tmp_path


def new_rule(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(copy / "scripts/new_rule"), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def test_it_makes_the_file_the_pair_and_the_lines_in_the_table(copy: Path) -> None:
    done = new_rule(copy, "fall-two")
    assert done.returncode == 0, done.stderr
    made = (copy / "src/trimtab/checks/rules/fall_two.py").read_text()
    compile(made, "fall_two.py", "exec")
    assert 'NAME = "fall-two"' in made and "TODO" in made
    assert {p.name for p in (copy / "tests/checks/rules/fall-two").iterdir()} == {
        "bad.yaml", "good.yaml", "bad.findings"
    }  # fmt: skip
    table = (copy / "src/trimtab/checks/registry.py").read_text()
    assert table.count("    fall_one,\n    fall_two,\n") == 2
    assert table.replace("    fall_two,\n", "") == (ROOT / "src/trimtab/checks/registry.py").read_text()


@pytest.mark.parametrize("words", [(), ("Bad_Name",), ("one",), ("../x-y",), ("1-proxy",), ("a-b", "c-d")])
def test_what_is_no_name_is_bad_input(copy: Path, words: tuple[str, ...]) -> None:
    assert new_rule(copy, *words).returncode == 2
    assert not list((copy / "src/trimtab/checks/rules").iterdir())


def test_a_rule_that_exists_is_not_overwritten(copy: Path) -> None:
    assert new_rule(copy, "fall-two").returncode == 0
    file = copy / "src/trimtab/checks/rules/fall_two.py"
    file.write_text("mine")
    assert new_rule(copy, "fall-two").returncode == 2 and file.read_text() == "mine"
