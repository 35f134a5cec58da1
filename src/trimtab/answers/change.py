"""What a command has written in the registries of several sites, or would write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Written:
    """Of a site that was reached: `register`, `deregister`, and what others have of it too."""

    changed: bool = False
    """Whether something was written there, or would be; else all was as it was asked for."""
    note: str | None = None
    """A sentence on what the arbiter was asked."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """Of a site that did not answer, or refused."""

    error: str
    """A sentence for people."""


At = TypeVar("At", bound=Written)


@dataclass(frozen=True, slots=True)
class Change(Generic[At]):
    """What was asked for, and what came of it at each site."""

    what: str
    """In words."""
    dry_run: bool
    """Whether it was only asked what would be written."""
    sites: dict[str, At | NotReached]
    """By site."""
