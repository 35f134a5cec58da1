"""`trimtab routes`: what routers tell other networks, what they take and refuse, and what is heard of us elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Why = Literal[
    "path", "lan", "ours", "bogon", "length", "invalid", "not-taken", "leak", "not-listed", "aspa", "unknown"
]


@dataclass(frozen=True, slots=True)
class Told:
    """A prefix as a router tells it."""

    prefix: str
    """The prefix."""
    communities: tuple[str, ...]
    """Standard communities that it carries, `65535:0` is GRACEFUL_SHUTDOWN."""


@dataclass(frozen=True, slots=True)
class Session:
    """A router's session with another network."""

    session: str
    """Its name in BIRD."""
    upstream: str
    """The upstream's name in the estate."""
    up: bool
    """Whether it is established."""
    since: str
    """Since when it is what it is, as BIRD says it."""
    taken: int
    """Routes that are taken."""
    refused: int
    """Routes that are refused and kept aside."""
    told: tuple[Told, ...]
    """What the other network has been told."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A route that a router refuses."""

    prefix: str
    """The prefix."""
    session: str
    """Who told it: the session's name in BIRD."""
    path: str
    """Its AS path."""
    why: Why
    """path: AS numbers that nobody has, or too many; lan: a network that we stand in; ours: our prefix, or a part of one; bogon;
    length: longer than /24 or /48; invalid: a ROA speaks against its origin; not-taken: a default where none is wanted; leak: by
    a transit network from somebody who is none; not-listed: outside `only`; aspa: an
    ASPA speaks against its path."""


@dataclass(frozen=True, slots=True)
class Validator:
    """An RPKI validator as a router sees it."""

    validator: str
    """Its name in BIRD: `validator_1` is the first of the estate."""
    up: bool
    """Whether it answers."""
    roas: int
    """How many of its ROAs count."""
    aspas: int
    """How many of its ASPAs count; 0 where none are asked for."""


@dataclass(frozen=True, slots=True)
class Router:
    """One router."""

    router: str
    """The host."""
    site: str
    """Its site."""
    sessions: tuple[Session, ...]
    """With other networks, by name."""
    refused: tuple[Refused, ...]
    """At most 1,000; `refused` of the sessions counts all."""
    would_refuse: tuple[Refused, ...]
    """What is taken although a ROA speaks against it, with `reject: none`."""
    validators: tuple[Validator, ...]
    """Those that it asks."""
    blackholes: tuple[str, ...]
    """Hosts that it drops, and tells upstreams that accept black holes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One of our prefixes as somebody hears it: his best route."""

    vantage: str
    """Who: a router of the estate, or in the twin another network."""
    prefix: str
    """The prefix."""
    path: str
    """The AS path, "" for a router's own, and for none."""
    sites: tuple[str, ...]
    """The sites that the path may end at: those with its last AS; () where it is not heard."""
    ways: int
    """How many routes to it the vantage has."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of an estate."""

    routers: tuple[Router, ...]
    """Those that have answered."""
    heard: tuple[Heard, ...]
    """By prefix, then by vantage."""
    silent: tuple[str, ...]
    """Who gave no answer, and why."""
