"""`trimtab split`: how a route's traffic is divided, and what was changed in that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trimtab.answers.change import Written

By = Literal["percent", "header", "cookie"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided(Written):
    """A split that was changed, or would be, at one site."""

    shares: dict[str, int]
    """By pool, in any unit, as it is then."""
    by: By
    """What divides."""
    why_not: str | None = None
    """Of --back, where there is nothing to go back to: why."""


@dataclass(frozen=True, slots=True)
class Past:
    """A split as it was until the next change."""

    shares: dict[str, int]
    """By pool, in any unit."""
    by: By
    """What divided."""
    who: str
    """USER@HOST that made it so, "" for the estate itself."""
    reason: str
    """Its reason, "" where none was given."""
    at: float
    """Since when, seconds since 1970; 0 for the estate itself."""


@dataclass(frozen=True, slots=True)
class Now:
    """A split as it is at one site."""

    shares: dict[str, int]
    """By pool, in any unit."""
    by: By
    """What divides."""
    before: dict[str, int] | None
    """The shares that these replaced; null where they never changed."""
    who: str
    """USER@HOST that made it so, "" for the estate itself."""
    reason: str
    """Its reason, "" where none was given."""
    at: float | None
    """Since when, seconds since 1970; null for the estate itself."""
    past: tuple[Past, ...]
    """Changes before the last one, newest first."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Without shares: what holds now."""

    splits: dict[str, Now]
    """By site."""
    errors: dict[str, str]
    """A sentence for people, by site that did not answer."""
