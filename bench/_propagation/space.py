"""A namespace for one sitting: its own network, mounts and processes, which all end with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from _propagation.children import ENV, PROGRAM, BenchFailed
from _propagation.plan import Plan
from trimtab.delivery.sandbox import UNSHARE

DISK = "/var/tmp"  # what is synced to the disk on a host is synced to one here
MOST_S = 900


def sit_inside(plan: Plan, run: int) -> dict[str, Any]:
    """The raw data of a sitting. Raises BenchFailed."""
    with tempfile.TemporaryDirectory(prefix="trimtab-bench-", dir=DISK) as scratch:
        argv = [*UNSHARE, sys.executable, str(PROGRAM), "--inside", scratch, str(run), plan.dump()]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=ENV, start_new_session=True)
        try:
            code = process.wait(MOST_S)
        except subprocess.TimeoutExpired as error:
            raise BenchFailed(f"not over within {MOST_S} s") from error
        finally:
            process.kill()  # unshare takes everything that it started with it
            process.wait()
        if code:
            raise BenchFailed(f"the sitting ended with {code}; what it says is above")
        found: dict[str, Any] = json.loads(Path(scratch, "found.json").read_text())
        return found


def end_with_parent() -> None:
    """Whoever started the sitting holds its standard input. Without them nobody would end what runs in here."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)  # the first process of the namespace: the kernel ends all others

    threading.Thread(target=watch, daemon=True).start()
