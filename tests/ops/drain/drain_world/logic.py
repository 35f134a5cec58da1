"""The production functions that are under test, in one value, so that a mutant differs from them in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trimtab.ops.arbiter.decide import decide
from trimtab.ops.arbiter.world import Limits
from trimtab.ops.drain import writes
from trimtab.ops.drain.judged import world_of
from trimtab.ops.drain.open import fail_open
from trimtab.ops.drain.step import next_move, noted
from trimtab.ops.health.reading import Vantage
from trimtab.ops.health.stream import Damping
from trimtab.ops.health.verdict import judge_all
from trimtab.ops.steering.wish import wish

Any_ = Callable[..., Any]

TICK_S = 0.5
INTERVAL = 2  # ticks between two looks of a vantage point
DAMPING = Damping(fall=2, rise=2)
TIMEOUT_S = 0.5
FRESH_S = 6.0
SKEW_S = 5.0  # between any two clocks
TTL_S = 6.0  # of a step that is not heard of
LEASE_S = 4.0
SETTLE_S = 3.0
STEP_LIMIT_S = 8.0
WINDOW_S = 60.0
# From a fault to a judgement that knows of it, whoever asks and whichever clock he has.
DETECTION_S = (DAMPING.fall + 1) * INTERVAL * TICK_S + TIMEOUT_S + FRESH_S + SKEW_S
LIMITS = Limits(sites=1, changes=4, window_s=WINDOW_S)


@dataclass(frozen=True)
class Logic:
    decide: Any_ = decide
    world_of: Any_ = world_of
    judge_all: Any_ = judge_all
    vantage: type[Vantage] = Vantage
    next_move: Any_ = next_move
    noted: Any_ = noted
    wish: Any_ = wish
    fail_open: Any_ = fail_open
    grant: Any_ = writes.grant
    step: Any_ = writes.step
    commit: Any_ = writes.commit
    undo: Any_ = writes.undo


REAL = Logic()
