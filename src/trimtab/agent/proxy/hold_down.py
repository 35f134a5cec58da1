"""What `front-watch` says of an anchor that comes and goes: how often it was lost, and for how long it is held."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.agent.proxy.front import STATE

LOST = "losses"
MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class HoldDown:
    """losses: of the anchor, those that still count.  held_s: seconds until it may come back, 0 where nothing holds it."""

    losses: int = 0
    held_s: float = 0.0


def hold_down(state: Path = STATE, now: Callable[[], float] = time.monotonic) -> HoldDown:
    """now: the machine's monotonic clock, which the file counts in. A file that is not there, or is none, holds nothing."""
    try:
        with (state / LOST).open() as file:
            return _read(json.loads(file.read(MAX_BYTES)), now())
    except (OSError, ValueError, KeyError, TypeError):
        return HoldDown()


def _read(said: Any, now: float) -> HoldDown:
    within = float(said["within"])
    recent = sum(now - float(each) < within for each in said["losses"])
    return HoldDown(recent, max(0.0, float(said["until"]) - now))
