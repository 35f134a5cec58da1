"""Trimtab with a daemon that another package brings (`outside/greeter`), and the estate that has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.estate.make import SMALL

OUTSIDE = Path(__file__).parent / "outside"
GREETS = SMALL.replace("hosts: {", "hosts: {greeter: 1, ", 1)


def run(estate: Path, *words: str, brought: str = str(OUTSIDE)) -> subprocess.CompletedProcess[str]:
    """brought: a folder of packages."""
    known = os.environ.get("PYTHONPATH", "")
    return subprocess.run(
        [sys.executable, "-m", "trimtab", *words],
        env={**os.environ, "PYTHONPATH": f"{brought}:{known}" if known else brought},
        cwd=estate.parent,
        capture_output=True,
        text=True,
        timeout=200,
    )
