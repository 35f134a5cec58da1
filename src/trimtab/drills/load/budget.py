"""How many retries a client allows itself. Pure: time is an argument."""

from __future__ import annotations

import random


class Retries:
    """A token bucket.

    `rate` retries a second, `burst` at once, each after a pause from `pauses` (least, greatest).
    """

    def __init__(self, rate: float, burst: float, pauses: tuple[float, float], seed: int) -> None:
        self._rate, self._burst, self._pauses = rate, burst, pauses
        self._left, self._at = burst, 0.0
        self._random = random.Random(seed)

    def pause(self, now: float) -> float | None:
        """Seconds to wait before a retry, None if there must be none. now: seconds of a monotonic clock."""
        self._left = min(self._burst, self._left + self._rate * max(0.0, now - self._at))
        self._at = now
        if self._left < 1:
            return None
        self._left -= 1
        return self._random.uniform(*self._pauses)
