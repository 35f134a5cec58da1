"""`trimtab members`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ready", "drain", "maint"]
Checks = Literal["up", "down", ""]


@dataclass(frozen=True, slots=True)
class Member:
    """One endpoint of a pool at one site, as the registry has it."""

    site: str
    """Whose registry."""
    pool: str
    """The pool's name."""
    member: str
    """Its own name: a host's, or the one that it registered under."""
    address: str
    """ADDRESS:PORT, IPv6 in brackets; "" of one that the estate names."""
    weight: int
    """What requests go by, 0 to 256; 0 takes none."""
    state: State
    """An operator's word."""
    version: str
    """Of the application, "" where it states none."""
    tags: tuple[str, ...]
    """As it registered them."""
    agent: str
    """passing, failing, or unknown by its agent's word; "" of one that the estate names."""
    checks: Checks
    """By the checks of the proxy that holds the addresses; "" where nobody tells, and of one that takes nothing."""
    by: str
    """USER@HOST whose word is on it, "" for none."""
    reason: str
    """Its reason, "" where none was given."""
    at: float | None
    """Since when that word is on it, seconds since 1970; null for none."""
    given: int | None = None
    """The weight that an operator gave it, 0 to 256, in the place of its own."""


@dataclass(frozen=True, slots=True)
class Members:
    """Who is asked to serve."""

    members: tuple[Member, ...]
    """By site, then by pool."""
    errors: dict[str, str]
    """A sentence for people, by site that did not answer."""
