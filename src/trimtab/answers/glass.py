"""`trimtab routes PREFIX`: what everybody knows of one prefix or address, in one form whatever program was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trimtab.answers.routes import Why

Kind = Literal["heard", "own", "told", "refused"]
Validation = Literal["valid", "invalid", "not-found", "not-asked"]


@dataclass(frozen=True, slots=True)
class Path:
    """One way to a prefix."""

    prefix: str
    """The prefix: of an address the longest one that has it; what is refused may be longer."""
    kind: Kind
    """heard: from a neighbour; own: it is announced here first; told: this host, which has no table of routes, tells it; refused:
    heard, and kept aside."""
    best: bool
    """Whether it is the one that is used."""
    session: str
    """Whom it is from, told: whom it is told: the session's name, of FRR the neighbour's address; "" for its own."""
    next_hop: str
    """Where it leads, "" where nothing is said of it."""
    path: str
    """The AS path, its origin last; "" for its own."""
    local_pref: int | None
    """LOCAL_PREF; null where it has none."""
    med: int | None
    """MED; null where it has none."""
    communities: tuple[str, ...]
    """`65535:666` is `blackhole`, and so on by IANA's names; our own large ones are `learnt:transit` and `refused:invalid`; all
    others by number."""
    validation: Validation
    """What ROAs say of its origin; not-asked: by whom none are asked, and of what is not from a neighbour."""
    why: Why | None
    """Why it is refused."""
    since: str
    """Since when it is there, ISO 8601; "" where that is not told."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one of them knows."""

    vantage: str
    """A host of the estate, or in the twin another network."""
    speaks: str
    """The program that it speaks BGP with: `bird`, `frr` or `exabgp`."""
    paths: tuple[Path, ...]
    """The best one first, those that are refused last; () where nothing is known."""


@dataclass(frozen=True, slots=True)
class Glass:
    """What is known of one prefix or address."""

    asked: str
    """The prefix or address."""
    known: tuple[Known, ...]
    """Those that have answered."""
    silent: tuple[str, ...]
    """Who gave no answer, and why."""
