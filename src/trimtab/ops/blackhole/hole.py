"""A black hole (RFC 7999): one host of ours, at some sites, for a time. Pure.

It is a route of the host alone, told to the upstreams that accept it and dropped by our own routers; the prefix around it stays as it
is. It ends by the clock of whoever has it, so nobody has to be there for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from trimtab.daemons.bird.wire import Prefix

LEAST_S, LIMIT_S = 5.0, 86_400.0  # an attack that lasts longer is asked about anew
MOST = 100  # that stand at once
SETTLES_S = 5.0  # after its end: clocks differ, and a router looks by itself


@dataclass(frozen=True, slots=True)
class Hole:
    """number: of the record.  sites: whose routers drop it and tell it.  upstreams: those that are told, () for all that accept
    it.  since, until: seconds since 1970.  lifted_by: who ended it before, "" for nobody, and lifted_at when.
    """

    number: int
    address: str
    sites: tuple[str, ...]
    upstreams: tuple[str, ...]
    by: str
    reason: str
    since: float
    until: float
    lifted_by: str = ""
    lifted_at: float = 0.0

    @property
    def prefix(self) -> Prefix:
        """The host alone."""
        return ip_network(self.address)

    @property
    def ended(self) -> float:
        """When it ends, or did."""
        return self.lifted_at if self.lifted_by else self.until

    def stands(self, now: float) -> bool:
        """now: seconds since 1970."""
        return not self.lifted_by and now < self.until


@dataclass(frozen=True, slots=True)
class Came:
    """What a router came to. holes: the numbers that it drops.  verified: whoever was to be told was told, and nobody else.
    amiss: why not.  at: since when it is exactly this, seconds since 1970.
    """

    site: str
    host: str
    holes: tuple[int, ...]
    verified: bool
    at: float
    amiss: str = ""


def standing(holes: Iterable[Hole], now: float, site: str = "") -> tuple[Hole, ...]:
    """By number. site: only those of one, "" for all."""
    found = (each for each in holes if each.stands(now) and (not site or site in each.sites))
    return tuple(sorted(found, key=lambda each: each.number))


def inside(hole: Hole, announced: Iterable[Prefix]) -> bool:
    """Is it a host of one of these prefixes, and not all of one? Whatever else a record asks for is not done."""
    own = hole.prefix
    return any(own.version == p.version and own != p and own.subnet_of(p) for p in announced)  # type: ignore[arg-type]


def unasked(holes: Iterable[Hole], now: float) -> frozenset[str]:
    """The addresses of which nobody can say by asking whether they serve: they are black-holed, or were a moment ago."""
    return frozenset(each.address for each in holes if now < each.ended + SETTLES_S)
