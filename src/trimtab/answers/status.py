"""`trimtab status`: every site, and what is to be read in all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trimtab.answers.blackhole import BlackHole

# serve: announced as the estate has it; prefer: as second choice; withdraw: not at all
Step = Literal["serve", "prefer", "withdraw"]


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said, and it stands."""

    by: str
    """USER@HOST, or `trimtab` for the agents."""
    at: float
    """Seconds since 1970."""
    reason: str
    """Its reason, "" where none was given."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The freeze that holds."""

    by: str
    """USER@HOST."""
    reason: str
    """Its reason."""
    at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Router:
    """What a router of a site came to."""

    step: Step
    """What it announces."""
    verified: bool
    """Whether it has seen in its daemon that this is so."""
    why: str
    """Why it did that, "" where it does not say."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an upstream is told of a site beside what the estate has."""

    prepend: int
    """How often our AS stands in the path more."""
    med: int
    """Its MED, in the place of the estate's; 0 for the estate's."""
    communities: tuple[str, ...]
    """Added: `64500:3`, or three numbers."""


@dataclass(frozen=True, slots=True)
class Shifted(Word):
    """A shift that stands, and whose it is."""

    upstreams: dict[str, Told]
    """By name, those that are told something."""


@dataclass(frozen=True, slots=True)
class Site:
    """One site that can serve."""

    site: str
    """Its name."""
    drained: Word | None
    """The committed state that takes it out; null where it serves."""
    under_way: Step | None
    """The step that is being taken; null for none."""
    verdict: Literal["serving", "unhealthy", "unreachable", "unknown"]
    """What a quorum of the vantage points says of it."""
    agree: int
    """How many vantage points say so."""
    of: int
    """Of how many."""
    since: float
    """Since when they do, seconds since 1970; 0 where nobody says anything."""
    reasons: tuple[str, ...]
    """Whoever does not say that it serves, and why."""
    step: Step
    """What stands or is under way, the further one."""
    word: str
    """All of that in a sentence for people."""
    held_by: tuple[str, ...]
    """The hosts that hold its addresses."""
    routers: dict[str, Router]
    """By host, those that have said something."""
    against: tuple[str, ...]
    """The routers that came to something else than the committed state."""
    shifted: Shifted | None
    """What moves a part of its traffic away while it stays announced; null for nothing."""


@dataclass(frozen=True, slots=True)
class Status:
    """The live estate."""

    sites: tuple[Site, ...]
    """In the estate's order."""
    frozen: Frozen | None
    """The freeze; null for none."""
    findings: tuple[str, ...]
    """Sentences on what is to be read in the sites together."""
    budget: str
    """A sentence: how many changes may still be granted now."""
    incidents: tuple[str, ...]
    """A sentence for each that is open."""
    blackholes: tuple[BlackHole, ...]
    """The hosts that are black-holed now, the newest first."""
