"""What the estate shows the Internet: its AS and the prefixes that every site announces."""

from __future__ import annotations

from pydantic import Field, field_validator

from trimtab.estate.base import Noun, Prefix
from trimtab.estate.quantity import Int
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
            if prefix.prefixlen > (24 if prefix.version == 4 else 48):
                raise ValueError(
                    f"{prefix} is longer than a /24 (IPv4) or a /48 (IPv6): the Internet will not carry it"
                )
        return value


class Edge(Noun):
    asn: Int | None = Field(
        default=None, ge=1, le=4294967295, description="AS of every site that states none"
    )
    anycast: Anycast | None = None
    steering: Steering | None = Field(
        default=None, description="how DNS picks the site of a service with `address: site`"
    )
