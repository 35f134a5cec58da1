"""The scripts of a developer: they parse, they are executable, and the second bootstrap costs nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(p for p in [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"] if p.is_file())
BASH = [p for p in SCRIPTS if p.suffix == ".sh" or p.read_text().startswith("#!/usr/bin/env bash")]
LOCKS = [ROOT / "requirements.lock", ROOT / "scripts" / "uv.txt"]


def run(*argv: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=os.environ | env, capture_output=True, text=True, timeout=60, cwd=ROOT)


@pytest.mark.parametrize("script", BASH, ids=lambda p: p.name)
def test_bash_accepts_it(script: Path) -> None:
    assert run("bash", "-n", script).stderr == ""


@pytest.mark.parametrize(
    "script", [p for p in SCRIPTS if p.read_text().startswith("#!")], ids=lambda p: p.name
)
def test_what_has_an_interpreter_is_executable(script: Path) -> None:
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_command_of_the_documents_exists(document: str) -> None:
    named = set(
        re.findall(r"(?<![\w/])((?:scripts|bench)/[a-z][a-z_-]*)(?![\w/.-])", (ROOT / document).read_text())
    )
    assert named, f"{document} names no script"
    for name in sorted(named):
        assert os.access(ROOT / name, os.X_OK), f"{document} names {name}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_a_lock_names_no_address_and_pins_all_by_hash(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=)", text, re.MULTILINE)
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if re.match(r"[a-z0-9]", block):
            assert re.match(r"[a-z0-9-]+==\S+", block) and "--hash=sha256:" in block, block


def test_the_lock_has_every_dependency_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    wanted = set(re.findall(r'^    "([a-z0-9-]+)>=', project, re.MULTILINE))
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCKS[0].read_text(), re.MULTILINE))
    assert wanted and wanted <= locked, f"run scripts/lock: {sorted(wanted - locked)}"


def test_the_second_bootstrap_is_silent() -> None:
    current = 'source scripts/_common.sh; venv_current "$(venv_path)"'
    if run("bash", "-c", current).returncode != 0:
        pytest.skip(
            "scripts/bootstrap has to run first; from here it would replace the environment of this very test"
        )
    second = run(ROOT / "scripts" / "bootstrap")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_an_unknown_argument_changes_nothing() -> None:
    refused = run(ROOT / "scripts" / "bootstrap", "--nonsense")
    assert refused.returncode == 2
    assert "--nonsense" in refused.stderr


def test_a_directory_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    refused = run(ROOT / "scripts" / "bootstrap", TRIMTAB_VENV=str(tmp_path))
    assert refused.returncode == 2
    assert "TRIMTAB_VENV" in refused.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_without_rights_it_says_what_is_missing_and_who_can_help(tmp_path: Path) -> None:
    """As an ordinary user of a user namespace, on a machine whose list asks for one program more."""
    copy = tmp_path / "checkout"
    for name in ["scripts/_common.sh", "scripts/_packages.sh", "scripts/bootstrap", "scripts/packages"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
        (copy / name).chmod(0o755)
    for lock in LOCKS:
        (copy / lock.relative_to(ROOT)).write_bytes(lock.read_bytes())
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    with (copy / "scripts" / "packages").open("a") as listed:
        listed.write("no-such-program  no-such-package|other\n")
    without_sudo = tmp_path / "bin"
    without_sudo.mkdir()
    (without_sudo / "sudo").write_text("#!/bin/sh\nexit 1\n")
    (without_sudo / "sudo").chmod(0o755)
    script = copy / "scripts" / "bootstrap"
    refused = run("unshare", "--user", "--", script, PATH=f"{without_sudo}:{os.environ['PATH']}")
    assert refused.returncode == 3, refused.stderr
    assert "missing: no-such-program" in refused.stderr
    assert f"{script} --packages" in refused.stderr
    assert "apt-get install --no-install-recommends no-such-package" in refused.stderr
