"""An incident, as a frozen value: one site, from when a quorum found that it does not serve until it served again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from trimtab.ops.steering.wish import Step

State = Literal["detected", "classified", "acted", "verified", "closed"]
Class = Literal["unhealthy", "unreachable", "everywhere"]
Kind = Literal["detected", "classified", "unknown", "granted", "refused", "acted", "verified", "closed"]
Quorum = Literal["not serving", "serving", "unknown"]

MAX_EVENTS = 100
MAX_SAID, MAX_ROUTERS = 32, 32
MAX_TEXT = 500  # characters
CLASSES: Mapping[Class, str] = {
    "unhealthy": "it answers badly, its hosts live",
    "unreachable": "nothing of it answers",
    "everywhere": "no site serves, says a quorum: most likely the check or the observers, not the sites",
}
# A record is refused for too many of these, whatever text they stand in: see `fields.Body.of`.
BRACKETS = str.maketrans("[]{}", "()()")


@dataclass(frozen=True, slots=True)
class Event:
    """at: seconds since 1970, never before that of the event before it: clocks differ."""

    at: float
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """number: 0 until it is written first.  kind: its class.  quorum: what was last said of the site.

    Seconds since 1970, 0 where it has not been: first: when the first vantage point had come to its word, since: when the
    quorum had, opened: when it was written down; verified: since when it serves, by quorum, in a row; closed.
    step: the committed state.  routers: what each of the site's has verified, of those that do not simply serve.
    decision: the number of the last one that was looked at.  said: by vantage point, what it said first.
    left_out: how many events are missing in the middle.
    """

    number: int
    site: str
    state: State
    kind: Class
    quorum: Quorum
    first: float
    since: float
    opened: float
    verified: float = 0.0
    closed: float = 0.0
    step: Step = "serve"
    routers: Mapping[str, Step] = field(default_factory=dict)
    decision: int = 0
    said: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    left_out: int = 0

    @property
    def last(self) -> float:
        """When the last event was."""
        return self.events[-1].at if self.events else self.opened

    def told(self, kind: Kind, at: float, text: str, **changes: Any) -> Incident:
        """With one event more. Of too many the middle is left out: how it began and how it ended explain most."""
        events = (*self.events, Event(max(at, self.last), kind, plain(text)))
        over, half = max(0, len(events) - MAX_EVENTS), MAX_EVENTS // 2
        kept = (*events[:half], *events[half + over :]) if over else events
        return replace(self, events=kept, left_out=self.left_out + over, **changes)

    def of_kind(self, *kinds: Kind) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.kind in kinds)


def plain(text: str) -> str:
    """For a terminal and a record: printable, without brackets, at most MAX_TEXT characters."""
    found = "".join(char if char.isprintable() else "?" for char in text).translate(BRACKETS)
    return found if len(found) <= MAX_TEXT else found[: MAX_TEXT - 1] + "…"


def span(seconds: float) -> str:
    """0.4 s, 31 s, 3 min 12 s, 2 h 5 min."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )
