"""`trimtab freeze`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Freeze:
    """Whether anything may be taken away by choice."""

    frozen: bool
    """As it is now."""
    changed: bool
    """Whether this command made it so."""
