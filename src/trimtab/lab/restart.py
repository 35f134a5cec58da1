"""systemd's rules on how a run of a unit ended and whether there is another. Pure."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Sequence
from typing import Literal

from trimtab.lab.unit import Restart

Outcome = Literal["clean", "exit", "signal", "timeout"]
CLEAN_SIGNALS = {-signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE}


def outcome(code: int | None, success: Sequence[str] = ()) -> Outcome:
    """How a main process with exit status `code` ended (negative: by a signal; None: too late).

    success: SuccessExitStatus=, numbers and signal names that count as clean too.
    """
    if code is None:
        return "timeout"
    names = {str(code)} if code >= 0 else {signal.Signals(-code).name}
    if code == 0 or code in CLEAN_SIGNALS or names & set(success):
        return "clean"
    return "exit" if code > 0 else "signal"


def wants_restart(policy: Restart, ended: Outcome) -> bool:
    """Restart= of systemd.service(5)."""
    return {
        "no": False,
        "always": True,
        "on-success": ended == "clean",
        "on-failure": ended != "clean",
        "on-abnormal": ended in ("signal", "timeout"),
    }[policy]


def allowed(starts: deque[float], now: float, interval: float) -> bool:
    """Whether one more start is within the limit; if so, it is recorded.

    starts: the last StartLimitBurst= of them, oldest first.
    """
    if interval and starts.maxlen and len(starts) == starts.maxlen and now - starts[0] < interval:
        return False
    starts.append(now)
    return True
