"""A drill that is killed at a bad moment leaves neither its twin nor its load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.twin.changes import BASE
from tests.twin.conftest import eventually
from trimtab.lab.state import state_dir

pytestmark = pytest.mark.twin


def running(mark: str) -> list[str]:
    """Command lines of every process that names the mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in text and "pytest" not in text:
            found.append(text)
    return found


@pytest.mark.timeout(120)
def test_kill_9_in_the_middle_of_the_outage() -> None:
    name = f"killed-{os.getpid()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "trimtab", "drill", "run", "proxy-power-cut", "--name", name,
         "-e", str(BASE)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        assert any("loses power" in line for line in process.stderr), "the drill ended before its fault"
        assert len(running(name)) > 3 and state_dir(name).exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not running(name) and not state_dir(name).exists(), 20), running(name)
    finally:
        process.kill()
        process.wait()
