"""`trimtab blackhole`: the hosts that are black-holed, those of which that is over, and what became of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class BlackHole:
    """One host that providers and our own routers drop (RFC 7999)."""

    number: int
    """Of its record; 0 where it would be one."""
    address: str
    """The host: one of ours."""
    services: tuple[str, ...]
    """Whose clients ask at it; () where nobody does."""
    sites: tuple[str, ...]
    """Whose routers drop it, and tell it to their upstreams."""
    upstreams: tuple[str, ...]
    """Those that are told; () for all that accept black holes."""
    by: str
    """USER@HOST."""
    reason: str
    """Why."""
    since: float
    """Seconds since 1970."""
    until: float
    """When it ends by itself, seconds since 1970."""
    state: Literal["stands", "over", "lifted"]
    """Whether it stands, or is over by its end or by somebody's word."""
    lifted_by: str
    """Who ended it before, USER@HOST, "" for nobody."""
    lifted_at: float
    """When that was, seconds since 1970; 0 for never."""
    routers: dict[str, bool]
    """By router of its sites: whether it has said that it drops the host, and that its upstreams were told so. Empty once over."""
    amiss: tuple[str, ...]
    """Why those that have not said so have not."""


@dataclass(frozen=True, slots=True)
class BlackHoles:
    """What there is, or what the command made of it."""

    changed: bool
    """Whether something was written."""
    done: bool
    """Whether every router has said that it is so."""
    notes: tuple[str, ...]
    """Sentences: what the arbiter objected, and force overruled."""
    holes: tuple[BlackHole, ...]
    """The newest first; of a request those that it was about."""
