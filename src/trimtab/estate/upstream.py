"""A network that we speak BGP with: what it is to us, how its sessions run, what it is told and what is taken from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from trimtab.estate.asn import Asn
from trimtab.estate.base import (
    Address,
    Interface,
    InterfaceName,
    IPAddress,
    IPInterface,
    Noun,
    Secret,
)
from trimtab.estate.community import WELL_KNOWN, BgpCommunity, Community, parse_community
from trimtab.estate.peer_data import Listed, ListFile, allowed
from trimtab.estate.peer_files import Only, PeeringDb
from trimtab.estate.quantity import Bool, Duration, Int, Timer, parse_bool, parse_timer, whole_seconds

RoleName = Literal["transit", "peer", "route-server", "customer"]
Accept = Literal["all", "routes", "default", "none"]


@dataclass(frozen=True, slots=True)
class Role:
    """accept: what is taken of it where nothing is stated.  limit: routes of IPv4 and IPv6 beyond which it leaks.
    preference: of what it tells, before `prepend` (RFC 4271, 5.1.5).  local: what we are to it (RFC 9234), as BIRD says it.
    """

    accept: Accept
    limit: tuple[int, int]
    preference: int
    local: str


# A transit's limit is about 1.5 times the full table of today. What a peer's customers pay it for is preferred over what we pay
# for ourselves, and our own customers over both: else we would carry traffic for money that we lose (RFC 7454, 6).
ROLES: dict[RoleName, Role] = {
    "transit": Role("all", (1_500_000, 400_000), 400, "customer"),
    "peer": Role("routes", (20_000, 10_000), 500, "peer"),
    "route-server": Role("routes", (400_000, 150_000), 480, "rs_client"),
    "customer": Role("routes", (1_000, 1_000), 600, "provider"),
}
LOWEST_PREFERENCE, HIGHEST_PREFERENCE = (
    201,
    999,
)  # below are other sites' ways out, above are other sites themselves


def _bfd(value: Any) -> bool | Timer:
    if isinstance(value, bool | Timer):
        return value
    try:
        return parse_bool(value) if value in ("true", "false") else parse_timer(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"`true`, `false`, or timers of its own: `300ms x 3` ({error})") from error


Bfd = Annotated[
    bool | Timer,
    PlainValidator(_bfd),
    PlainSerializer(lambda v: v if isinstance(v, bool) else str(v)),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s) x \d+$"}]}
    ),
]


def _blackhole(value: Any) -> Community | None:
    """`true`: by RFC 7999's community alone."""
    if value is None or isinstance(value, Community):
        return value
    try:
        return parse_community("blackhole") if parse_bool(value) else None
    except (ValueError, TypeError):
        pass
    try:
        return parse_community(value)
    except ValueError as error:
        raise ValueError(
            f"`true`, or the community by which the provider drops what goes to a host: `64500:666` ({error})"
        ) from error


# None: it accepts no black holes. RFC 7999's own community is told in any case.
Blackhole = Annotated[
    Community | None,
    PlainValidator(_blackhole),
    PlainSerializer(lambda v: v is not None and (str(v) if v.parts != WELL_KNOWN["blackhole"] else True)),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^[0-9]+(:[0-9]+){1,2}$|^blackhole$"}]}
    ),
]


def _one_each(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({each.version for each in value}) != len(value):
        raise ValueError("at most one IPv4 and one IPv6 address")
    return value


OneEach = AfterValidator(_one_each)
Locals = Annotated[tuple[Interface, ...], Field(min_length=1, max_length=2), OneEach]


class Upstream(Noun):
    """A network that carries our prefixes, or whose customers reach us straight.

    Without `local` and `sessions` it gives a /29 (and a /125 for IPv6): `peer` is its router, our router N has peer + N.
    """

    asn: Asn = Field(ge=0, le=4294967295)
    role: RoleName = Field(
        default="transit", description="what it is to us; decides what is taken and what is told"
    )
    peer: Annotated[tuple[Address, ...], OneEach] = Field(
        min_length=1, max_length=2, description="[v4, v6], or one of them"
    )
    local: Locals | None = Field(
        default=None,
        description="our only router's addresses, with the length of the network: `[198.51.100.77/24]`",
    )
    sessions: dict[str, Locals] = Field(
        default={}, description="host: its addresses, where several have a session or not all of them"
    )
    interface: InterfaceName | None = Field(
        default=None, description="our interface towards it; needed for link-local peers"
    )
    multihop: Int | None = Field(
        default=None, ge=2, le=255, description="hops to the peer, which is not next door"
    )
    via: Annotated[tuple[Address, ...], OneEach] = Field(
        default=(), max_length=2, description="our next hop towards a peer that is not next door, [v4, v6]"
    )
    password: Secret | None = Field(default=None, description="TCP MD5 (RFC 2385) password, as a reference")
    ttl_security: Bool = Field(
        default=False, description="GTSM (RFC 5082): only packets from as near as the peer count"
    )
    bfd: Bfd = Field(
        default=True, description="BFD with it, or timers of its own; without it the hold timer decides"
    )
    hold: Annotated[Duration, AfterValidator(whole_seconds)] | None = Field(
        default=None, ge=3, le=65535, description="default: tiers.router.hold"
    )
    keepalive: Annotated[Duration, AfterValidator(whole_seconds)] | None = Field(
        default=None, ge=1, le=21845, description="default: a third of the hold time"
    )
    graceful_restart: Bool | None = Field(
        default=None, description="keep its routes while it restarts (RFC 4724); default: with BFD only"
    )
    extended_next_hop: Bool = Field(
        default=False, description="IPv4 too in the IPv6 session, by IPv6 next hops (RFC 8950)"
    )
    accept: Accept | None = Field(default=None, description="what is taken; default: by the role")
    only: tuple[Only, ...] = Field(
        default=(),
        description="take these and what is more specific alone, as its IRR entry has them; `x.json` is a list of `bgpq4 -j`",
    )
    prefixes: Int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="more routes than these end the session; default: by the role",
    )
    peeringdb: PeeringDb | None = Field(
        default=None, description="the limit as the network itself states it, in the place of `prefixes`"
    )
    preference: Int | None = Field(
        default=None,
        ge=LOWEST_PREFERENCE,
        le=HIGHEST_PREFERENCE,
        description="local preference of what it tells",
    )
    prepend: Int = Field(
        default=0, ge=0, le=10, description="how often our AS is repeated: makes this path worse"
    )
    med: Int | None = Field(default=None, ge=0, le=4294967295, description="metric (MED) of what it is told")
    communities: tuple[BgpCommunity, ...] = Field(
        default=(), max_length=50, description="set on what it is told"
    )
    learned_communities: tuple[BgpCommunity, ...] = Field(
        default=(), max_length=50, description="added to what it tells us"
    )
    blackhole: Blackhole = Field(
        default=None,
        description="it drops what goes to a host of ours on request (RFC 7999): true, or its own community for that",
    )

    @model_validator(mode="after")
    def _possible(self) -> Upstream:
        if self.local is not None and self.sessions:
            raise ValueError("`local` is for the only router, `sessions` names the hosts: one of the two")
        if self.multihop is not None and self.local is None and not self.sessions:
            raise ValueError(
                "a session over several hops begins at an address of ours: add `local: [ADDRESS/LENGTH]`"
            )
        if self.role == "customer" and not self.only and self.accept != "none":
            raise ValueError(
                "a customer's prefixes have to be known, or its mistakes are announced as ours: add `only: [PREFIX]`"
            )
        self._written_down()
        if self.multihop is not None and any(p.version == 6 and p.is_link_local for p in self.peer):
            raise ValueError("a link-local peer is next door: no `multihop`")
        if self.role == "customer" and self.blackhole is not None:
            raise ValueError("a customer is asked to drop nothing: `blackhole` is for networks that carry us")
        if self.keepalive is not None and self.hold is not None and self.keepalive * 3 > self.hold:
            raise ValueError("`keepalive` is at most a third of `hold` (RFC 4271, 4.4)")
        if self.extended_next_hop and not any(p.version == 6 for p in self.peer):
            raise ValueError(
                "`extended_next_hop` is about an IPv6 session: there is no IPv6 address in `peer`"
            )
        return self

    def _written_down(self) -> None:
        """What files say of it has to be about it. Raises ValueError."""
        for file in (each for each in self.only if isinstance(each, ListFile)):
            for family in sorted({each.net.version for each in file.entries}):
                if not self.carries(family):
                    raise ValueError(f"{file} lists IPv{family} prefixes, and no session carries IPv{family}")
        if self.peeringdb is None:
            return
        if self.prefixes is not None:
            raise ValueError("`prefixes` and `peeringdb` are two limits: one of the two")
        export = self.peeringdb.file
        if self.asn not in export.nets:
            raise ValueError(f"AS{self.asn} is not in {export}: export it too, or state `prefixes`")
        for family in (f for f in (4, 6) if self.carries(f) and not export.nets[self.asn][f]):
            raise ValueError(
                f"AS{self.asn} says nothing of its IPv{family} prefixes in {export} (info_prefixes{family}): state `prefixes`"
            )

    @property
    def listed(self) -> tuple[Listed, ...]:
        """All of `only`, those of files too."""
        return tuple(
            each for one in self.only for each in (one.entries if isinstance(one, ListFile) else (one,))
        )

    @property
    def stated(self) -> bool:
        """Are our addresses written down, rather than peer + N?"""
        return self.local is not None or bool(self.sessions)

    @property
    def taken(self) -> Accept:
        return self.accept or ROLES[self.role].accept

    @property
    def local_preference(self) -> int:
        """A path that we make worse inwards is worse outwards too."""
        if self.preference is not None:
            return self.preference
        return ROLES[self.role].preference - 10 * self.prepend

    @property
    def helps_restart(self) -> bool:
        """Are its routes kept while it restarts? Without BFD nobody could tell a restart from a cut."""
        return self.graceful_restart if self.graceful_restart is not None else bool(self.bfd)

    def limit(self, family: int) -> int:
        """Routes of the family beyond which the session ends."""
        if self.peeringdb is not None and (count := self.peeringdb.file.nets[self.asn][family]):
            return allowed(count, self.peeringdb.margin)
        return self.prefixes or ROLES[self.role].limit[0 if family == 4 else 1]

    def carries(self, family: int) -> bool:
        """Are routes of the family told in one of its sessions?"""
        return self.extended_next_hop or any(peer.version == family for peer in self.peer)

    def peer_of(self, family: int) -> IPAddress | None:
        return next((peer for peer in self.peer if peer.version == family), None)

    def local_of(self, host: str, family: int) -> IPInterface | None:
        """Our stated address on a host; None where it has no session of the family."""
        own = self.sessions.get(host, self.local or ())
        return next((each for each in own if each.version == family), None)

    def via_of(self, family: int) -> IPAddress | None:
        return next((each for each in self.via if each.version == family), None)
