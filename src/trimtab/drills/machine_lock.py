"""One drill at a time on a machine: two at once would measure each other."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path("/tmp") / f"trimtab-drill-{os.getuid()}.lock"
LOOK_EVERY = 0.2
TOLD_EVERY = 10


@contextmanager
def turn(tell: Callable[[str], None], lock: Path = LOCK) -> Iterator[None]:
    """Wait until no other drill of this user runs, then hold the place. The kernel gives it up if we die."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        began = time.monotonic()
        while not _take(handle):
            passed = int((time.monotonic() - began) / TOLD_EVERY) * TOLD_EVERY
            tell(
                "waiting for another drill on this machine to end"
                + (f", {passed} s so far" if passed else "")
            )
            time.sleep(LOOK_EVERY)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
