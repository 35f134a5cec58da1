"""How long to wait after a failure: twice as long each time, never quite as long as the others."""

from __future__ import annotations

import random as _random
from collections.abc import Callable

Random = Callable[[], float]  # from 0 to below 1


def pause(failures: int, first: float, most: float, random: Random = _random.random) -> float:
    """Seconds after the nth failure in a row (from 1): between half and the whole of first * 2**(n-1), at most `most`.

    Half of it is left to chance, so that hosts that lost the same thing together do not return together.
    """
    whole = min(most, first * 2.0 ** min(failures - 1, 60))
    return whole * (0.5 + random() / 2)


class Backoff:
    """The pauses of one thing that is tried again and again."""

    def __init__(self, first: float, most: float, random: Random = _random.random) -> None:
        self._first, self._most, self._random = first, most, random
        self.failures = 0

    def failed(self) -> float:
        """Seconds to wait now."""
        self.failures += 1
        return pause(self.failures, self._first, self._most, self._random)

    def worked(self) -> None:
        self.failures = 0
