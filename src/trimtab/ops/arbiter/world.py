"""What the arbiter knows when it is asked: frozen values, read in one go from the estate store and the estate itself.

Nothing here is measured or guessed. What is not known is `unknown` or None, and never counts as healthy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trimtab.ops.steering.wish import Step

State = Literal[
    "serving", "unhealthy", "unreachable", "unknown"
]  # a quorum's verdict of a site, see ops.health.verdict
AUTOMATIC = "trimtab"  # who asks where agents do
# What may be asked: each takes something away.
Kind = Literal["drain-site", "drain-proxy", "drain-member", "blackhole"]
# What is written down: that, what came of it, and what takes nothing and is not judged.
Told = Literal[
    "drain-site", "drain-site-done", "drain-site-undone", "undrain-site-begun", "undrain-site", "undrain-site-undone",
    "drain-proxy", "drain-proxy-undone", "undrain-proxy",
    "drain-member", "undrain-member",
    "shift-site", "unshift-site", "blackhole", "blackhole-lifted",
    "freeze", "thaw",
]  # fmt: skip
OF_MEMBERS = ("drain-member", "undrain-member")
# A shift leaves the site announced. It is judged as if all that comes to it might go elsewhere, and takes nothing by force.
OF_SITES = ("drain-site", "shift-site")
PermitKind = Literal[Kind, "undrain-site"]  # that gives back: see ops.drain


@dataclass(frozen=True, slots=True)
class SiteState:
    """One site that can serve. step: what stands or is under way, the further one. capacity: requests/s of all its
    fronts together, None where the hardware is not measured. proxies: whether each of them works by its own word, and
    drained: those that an operator took out. drained_by: whose committed state it is that the site is withdrawn, "" for
    none. gone: that stands, and no router of it says anything else. unread: the record of its steering that cannot be read,
    "" for none; then it does not carry, and is not drained. since: when the word became what it is, seconds since 1970, 0 where
    nobody knows. together: the proxies carry at once, each its share of the capacity; otherwise one does, whichever.
    """

    name: str
    state: State = "unknown"
    step: Step = "serve"
    capacity: float | None = None
    proxies: Mapping[str, bool | None] = field(default_factory=dict)
    agree: int = 0
    of: int = 0
    drained: frozenset[str] = frozenset()
    drained_by: str = ""
    gone: bool = False
    unread: str = ""
    since: float = 0.0
    together: bool = False

    def capacity_without(self, proxy: str = "") -> float | None:
        """Requests/s of the proxies that may work, but for one."""
        if self.capacity is None or not self.together or not self.proxies:
            return self.capacity
        left = sum(works is not False and name != proxy for name, works in self.proxies.items())
        return self.capacity * left / len(self.proxies)

    @property
    def carries(self) -> bool:
        """It is known to serve, and clients are sent to it."""
        return self.state == "serving" and self.step == "serve"


@dataclass(frozen=True, slots=True)
class PoolState:
    """The members of a pool at a site: whether each one is asked to serve and is well by its own word and by the proxies'
    checks. drained: those that an operator took out. unknown: those that are asked to serve, and of which nobody says how they
    are. down: whom the proxies' checks find down, whatever they say of themselves; more: how many besides, of whom the names
    are not told.
    """

    site: str
    name: str
    members: Mapping[str, bool]
    drained: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    down: frozenset[str] = frozenset()
    more: int = 0


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """An address by which a site's clients ask for a service."""

    service: str
    site: str
    address: str


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to take one thing away. It ends with the lease of whoever holds it, or after `ttl_s` seconds."""

    id: str
    kind: Told
    site: str
    target: str
    by: str
    reason: str
    at: float
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Grant:
    """What the budget counts: a permit that was given for a site or a proxy, at `at` seconds since 1970 by the clock of who
    asked.
    """

    at: float
    kind: Told
    site: str
    target: str


@dataclass(frozen=True, slots=True)
class Freeze:
    by: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What no request may break. sites: that carry after the action; members: the share (percent) of a pool's members
    that are well after it; changes: permits for sites and proxies together in `window_s` seconds. load: requests/s that have to be
    carried, None where the estate states no peak. well_s: for so long a site that was unhealthy beside another one speaks against
    that one's drain.
    """

    sites: int = 1
    members: float = 50.0
    changes: int = 6
    window_s: float = 3600.0
    load: float | None = None
    well_s: float = 60.0


@dataclass(frozen=True, slots=True)
class World:
    """endpoints: of every service at every site.  holes: addresses that are black-holed, each with the sites where."""

    sites: Mapping[str, SiteState]
    pools: tuple[PoolState, ...] = ()
    permits: tuple[Permit, ...] = ()
    grants: tuple[Grant, ...] = ()
    freeze: Freeze | None = None
    limits: Limits = Limits()
    endpoints: tuple[ServiceAddress, ...] = ()
    holes: tuple[tuple[str, frozenset[str]], ...] = ()

    def carrying(self, without: str = "") -> tuple[str, ...]:
        """The sites that carry, but for one."""
        return tuple(name for name, site in sorted(self.sites.items()) if site.carries and name != without)


@dataclass(frozen=True, slots=True)
class Request:
    """target: the site, the proxy, POOL/MEMBER, or the address; site: of an address "" for every one that has it. automatic:
    asked by an agent, not by a person. force: over what a person may overrule, with a reason.
    """

    kind: Told
    site: str
    target: str
    by: str
    reason: str = ""
    automatic: bool = False
    force: bool = False
