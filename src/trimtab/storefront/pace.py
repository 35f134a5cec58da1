"""How long to wait and how soon to try again: pure arithmetic over measured round trips."""

from __future__ import annotations

import os


class RoundTrip:
    """A smoothed round trip and its variation in seconds (RFC 6298); `guess` until the first measurement."""

    def __init__(self, guess: float = 0.2) -> None:
        self.guess = guess
        self.mean: float | None = None
        self.variation = 0.0

    def measured(self, seconds: float) -> None:
        """Take in one measurement."""
        if self.mean is None:
            self.mean, self.variation = seconds, seconds / 2
            return
        self.variation += (abs(seconds - self.mean) - self.variation) / 4
        self.mean += (seconds - self.mean) / 8

    @property
    def seconds(self) -> float:
        return self.guess if self.mean is None else self.mean

    @property
    def pessimistic(self) -> float:
        """What nearly every answer stays below."""
        return self.seconds + 4 * (self.guess / 2 if self.mean is None else self.variation)


def backoff(failures: int, *, base: float = 0.05, ceiling: float = 1.0) -> float:
    """Seconds before the next try: exponential, bounded, half of it left to chance so that clients spread."""
    longest = min(ceiling, float(base * 2 ** min(failures, 16)))
    chance = os.urandom(1)[0] / 256  # importing `random` would cost every start some milliseconds
    return longest * (0.5 + chance / 2)


def attempt_timeout(answer: RoundTrip, failures: int, *, floor: float, ceiling: float) -> float:
    """Seconds to wait for one answer: twice the pessimistic round trip, more after each failure.

    A time-out below the round trip never succeeds and only piles up duplicates at the other end; growing it
    after each failure finds the right one even when the first measurements came from a nearer place.
    """
    return float(min(ceiling, max(floor, 2 * answer.pessimistic) * 1.5**failures))
