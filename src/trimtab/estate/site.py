"""A data centre or edge location: its number, place, networks, upstreams and hosts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from trimtab.estate.asn import Asn
from trimtab.estate.base import Address, GroupName, Name, Noun, Prefix, Reference
from trimtab.estate.lan import Lan, Machine, MachineName
from trimtab.estate.place import Place
from trimtab.estate.quantity import HostCount, Int
from trimtab.estate.special import refuse_unrouted
from trimtab.estate.upstream import Upstream


class Site(Noun):
    """One site. `id` is the number that its addresses hang on: keep it, never reuse it."""

    id: Int = Field(ge=1, le=200)
    at: Place = Field(description="[latitude, longitude]")
    asn: Asn | None = Field(default=None, ge=0, le=4294967295, description="default: edge.asn")
    hosts: dict[GroupName, HostCount] = Field(description="group: how many hosts, or `2..10`")
    public: tuple[Prefix, ...] = Field(
        default=(), description="prefixes of this site; default: lab ranges by id"
    )
    upstreams: dict[Name, Upstream] = {}
    front: Literal["router", "bgp", "none"] = Field(
        default="router",
        description="who speaks with the upstreams; `bgp`: every host that holds the VIPs, all of them at once; `none`: "
        "nobody, each proxy has a public address of its own",
    )
    retired: tuple[str, ...] = Field(
        default=(), description="hosts that are gone for good; their numbers stay free"
    )
    addresses: dict[str, Address] = Field(
        default={}, description="host: private address, instead of the derived one"
    )
    networks: dict[Reference, Lan] = Field(default={}, description="networks as they are")
    machines: dict[MachineName, Machine] = Field(default={}, description="hosts under their own names")
    anchor: tuple[Address, ...] = Field(
        default=(),
        max_length=2,
        description="what healthy proxies tell the routers, one a family; default: by id",
    )

    @field_validator("public")
    @classmethod
    def _public_one_a_family(cls, value: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
        if len({p.version for p in value}) != len(value):
            raise ValueError("at most one IPv4 and one IPv6 prefix a site")
        for prefix in value:
            refuse_unrouted(prefix)
        return value
