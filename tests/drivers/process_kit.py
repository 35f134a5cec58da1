"""Processes that a driver started and has to end."""

from __future__ import annotations

import time
from pathlib import Path


def await_end(pid: str | int, seconds: float = 5.0) -> None:
    """Until it runs no more; a zombie that nobody has waited for has ended too. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while _runs(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.01)


def _runs(pid: str | int) -> bool:
    """A zombie has no command line; one that is gone has no file, or none any more by the time that it is read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False
