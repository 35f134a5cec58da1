"""What the estate shows the Internet: its AS and the prefixes that every site announces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from trimtab.estate.asn import Asn
from trimtab.estate.base import Noun, Prefix
from trimtab.estate.quantity import Duration, Int
from trimtab.estate.rpki import Rpki
from trimtab.estate.special import refuse_unrouted
from trimtab.estate.steering import Steering


class Anycast(Noun):
    """Prefixes that every site announces.

    One that contains a site's public prefix is *covering*: it catches a lost site and gives no VIP. The first other
    one of each family carries the anycast VIPs.
    """

    prefixes: tuple[Prefix, ...] = Field(min_length=1)

    @field_validator("prefixes")
    @classmethod
    def _routable(cls, value: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
        for prefix in value:
            refuse_unrouted(prefix)
        return value


class Health(Noun):
    """How every site's endpoint is probed from the other sites, and when a site counts as not serving."""

    probes: tuple[Literal["https", "tcp", "icmp"], ...] = Field(
        default=("https", "tcp", "icmp"), min_length=1, description="what is asked, together"
    )
    every: Duration = Field(default=2.0, ge=0.1, le=60)
    timeout: Duration = Field(default=1.0, ge=0.05, le=60)
    fall: Int = Field(default=3, ge=1, le=100, description="failures in a row that end")
    rise: Int = Field(default=2, ge=1, le=100, description="successes in a row that begin")
    quorum: Literal["majority"] | Int = Field(
        default="majority", description="of the sites that look; or how many have to agree"
    )

    @model_validator(mode="after")
    def _in_time(self) -> Health:
        if self.timeout > self.every:
            raise ValueError("`timeout` is longer than `every`: answers would overtake each other")
        if isinstance(self.quorum, int) and self.quorum < 1:
            raise ValueError("a quorum is at least 1, or `majority`")
        return self


class HoldDown(Noun):
    """A proxy that comes and goes takes its site's prefixes with it each time; from the `losses`-th time on they wait.

    The wait doubles from `first` to `most`. The time in which they wait is no part of `within`.
    """

    losses: Int = Field(
        default=4,
        ge=0,
        le=100,
        description="of a proxy within `within`, after which it waits; 0: it never does",
    )
    within: Duration = Field(default=60.0, ge=1, le=86400)
    first: Duration = Field(default=5.0, ge=0.1, le=3600, description="how long the first wait is")
    most: Duration = Field(default=60.0, ge=0.1, le=3600, description="how long it gets")

    @model_validator(mode="after")
    def _grows(self) -> HoldDown:
        if self.most < self.first:
            raise ValueError("`most` is shorter than `first`: the wait grows from `first` to `most`")
        return self


class Edge(Noun):
    asn: Asn | None = Field(
        default=None, ge=0, le=4294967295, description="AS of every site that states none"
    )
    anycast: Anycast | None = None
    health: Health = Health()
    hold_down: HoldDown = Field(
        default=HoldDown(), description="how long prefixes wait for a proxy that comes and goes"
    )
    steering: Steering | None = Field(
        default=None, description="how DNS picks the site of a service with `address: site`"
    )
    rpki: Rpki | None = Field(default=None, description="who may announce which prefix, and who says so")
