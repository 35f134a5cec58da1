"""One of several equal shares of the tests, in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """number: from 1. of: how many there are."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Raises ValueError."""
        if not (found := re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text)):
            raise ValueError(f"--shard {text}: write I/N, for example 1/4")
        number, of = map(int, found.groups())
        if not 1 <= number <= of:
            raise ValueError(f"--shard {text}: I goes from 1 to N")
        return cls(number, of)

    def share(self, tests: Sequence[T]) -> list[T]:
        """A drill of a file beside the next one: neighbours go to different shards."""
        return [test for at, test in enumerate(tests) if at % self.of == self.number - 1]
