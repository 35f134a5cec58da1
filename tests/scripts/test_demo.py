"""scripts/demo with a stand-in for trimtab: its steps, its exit code, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = ["check", "build", "lab up", "drill run", "lab down"]
TRIMTAB = """#!/bin/bash
echo "$*" >>"$CALLS"
case "$1 $2" in
    "$HANG") exec sleep 60 ;;
    "$FAIL") echo "no luck" >&2; exit 3 ;;
    "drill run") echo "the table"; echo "true  report: ${@: -1}/x/report.html  records: /gone"; exit "$VERDICT" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real demo, an idle bootstrap and a trimtab that notes its calls."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("demo", "_common.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    for path, text in {"scripts/bootstrap": "#!/bin/sh\n", ".venv/bin/trimtab": TRIMTAB}.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    (tmp_path / "tmp").mkdir()
    return tmp_path


def start(checkout: Path, **env: str) -> subprocess.Popen[str]:
    places = {"CALLS": f"{checkout}/calls", "TMPDIR": f"{checkout}/tmp", "TRIMTAB_VENV": ""}
    return subprocess.Popen(
        [checkout / "scripts" / "demo"],
        env=os.environ | {"HANG": "", "FAIL": "", "VERDICT": "0"} | places | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def calls(checkout: Path) -> list[str]:
    path = checkout / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [next(step for step in STEPS if line.startswith(step)) for line in lines]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited for 10 s"
        time.sleep(0.01)


def test_every_step_has_a_line_with_its_time(checkout: Path) -> None:
    out, err = (demo := start(checkout)).communicate(timeout=20)
    assert demo.returncode == 0, err
    assert calls(checkout)[:5] == STEPS
    lines = out.splitlines()
    assert [line.endswith(" s") for line in lines[:6]] == [True] * 6
    assert lines[-2:] == ["the table", f"true  report: {checkout}/out/x/report.html"]
    assert list((checkout / "tmp").iterdir()) == []


def test_a_drill_that_is_not_true_shows_its_table_and_exits_1(checkout: Path) -> None:
    out, _ = (demo := start(checkout, VERDICT="1")).communicate(timeout=20)
    assert demo.returncode == 1
    assert out.splitlines()[-2] == "the table"
    assert calls(checkout)[-1] == "lab down"


@pytest.mark.parametrize("step", ["check -e", "build -e", "lab up", "drill run"])
def test_a_step_that_cannot_ends_it_with_its_words(checkout: Path, step: str) -> None:
    out, err = (demo := start(checkout, FAIL=step)).communicate(timeout=20)
    assert demo.returncode == 3
    assert "FAILED (exit 3)" in out
    assert "no luck" in err
    assert calls(checkout)[-1] == "lab down"
    assert list((checkout / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("step", ["lab up", "drill run"])
def test_a_signal_ends_the_step_and_takes_the_twin_down(
    checkout: Path, step: str, number: signal.Signals
) -> None:
    demo = start(checkout, HANG=step)
    wait_for(lambda: step in calls(checkout))
    os.kill(demo.pid, number)
    demo.wait(timeout=20)
    assert demo.returncode == (130 if number == signal.SIGINT else 143)
    assert_all_gone(demo, checkout)


@pytest.mark.parametrize("step", ["lab up", "drill run"])
def test_kill_9_does_so_too(checkout: Path, step: str) -> None:
    demo = start(checkout, HANG=step)
    wait_for(lambda: step in calls(checkout))
    os.kill(demo.pid, signal.SIGKILL)
    wait_for(lambda: list((checkout / "tmp").iterdir()) == [])
    demo.wait(timeout=20)
    assert_all_gone(demo, checkout)


def assert_all_gone(demo: subprocess.Popen[str], checkout: Path) -> None:
    assert calls(checkout)[-1] == "lab down"
    assert list((checkout / "tmp").iterdir()) == []
    wait_for(lambda: not group_lives(demo.pid))
    demo.communicate(timeout=20)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
