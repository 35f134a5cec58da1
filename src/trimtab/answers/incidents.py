"""`trimtab incidents`: the list, and one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trimtab.answers.status import Step

Class = Literal["unhealthy", "unreachable", "everywhere"]
State = Literal["detected", "classified", "acted", "verified", "closed"]


@dataclass(frozen=True, slots=True)
class Row:
    """One of the list."""

    id: int
    """Its number."""
    site: str
    """What it is about."""
    class_: Class
    """What it is taken for."""
    state: State
    """How far it has come."""
    open: bool
    """Whether it is followed still."""
    detected: float
    """When it was written down, seconds since 1970."""
    verified: float | None
    """Since when a quorum finds that it serves, seconds since 1970."""
    closed: float | None
    """When it was closed, seconds since 1970."""
    seconds: float | None
    """From detected to closed."""
    away: float | None
    """Seconds from a quorum's first word to its word that it serves."""
    last: str
    """The last event, in words."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """The list."""

    incidents: tuple[Row, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was seen, or done."""

    at: float
    """Seconds since 1970."""
    kind: Literal["detected", "classified", "unknown", "granted", "refused", "acted", "verified", "closed"]
    """What it was."""
    text: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One of them, with everything that is known. Moments are 0 where they have not come."""

    id: int
    """Its number."""
    class_: Class
    """What it is taken for."""
    detected: float
    """When it was written down, seconds since 1970."""
    site: str
    """What it is about."""
    state: State
    """How far it has come."""
    quorum: Literal["not serving", "serving", "unknown"]
    """What was last said of the site."""
    first: float
    """When the first vantage point had come to its word, seconds since 1970."""
    since: float
    """When the quorum had, seconds since 1970."""
    verified: float
    """Since when a quorum finds that it serves, seconds since 1970."""
    closed: float
    """When it was closed, seconds since 1970."""
    step: Step
    """The site's committed state."""
    routers: dict[str, Step]
    """What each of its routers has verified, by host, of those that do not simply serve."""
    decision: int
    """The number of the arbiter's last decision that was looked at."""
    said: tuple[str, ...]
    """What each vantage point said first."""
    events: tuple[Event, ...]
    """The oldest first."""
    left_out: int
    """How many of them are missing in the middle."""
    open: bool
    """Whether it is followed still."""
