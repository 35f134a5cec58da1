"""`trimtab agent` is the agent's own program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_command_is_the_program(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "trimtab", "agent", "--root", str(tmp_path)]
    said = subprocess.run(argv, capture_output=True, text=True)
    assert said.returncode == 2
    assert "agent.json" in said.stderr
    assert said.stdout == ""
