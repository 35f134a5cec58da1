"""`trimtab weight`."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.answers.change import Written


@dataclass(frozen=True, slots=True)
class Weighed(Written):
    """A member's weight at one site."""

    weight: int | None = None
    """Its own, 0 to 256, where `ready` gives it that back."""
    was: int | None = None
    """What an operator had given it instead, 0 to 256."""
