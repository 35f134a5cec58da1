"""Networks and hosts of a site as they are, in the place of what is derived from the numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from trimtab.estate.base import Address, InterfaceName, IPAddress, Noun, Prefix, Reference, matching
from trimtab.estate.quantity import Int

# What certificates, the registry, etcd and the twin's paths take for a host's name alike.
HOST_NAME = re.compile(r"[a-z]([a-z0-9-]{0,43}[a-z0-9])?")
MachineName = Annotated[
    str,
    BeforeValidator(
        matching(
            HOST_NAME,
            "the name of a host is a-z, 0-9 and `-`, begins with a letter, ends with a letter or a digit and has at most 45 "
            "characters",
        )
    ),
]


class Lan(Noun):
    """A network of a site: who stands in it, and what of it is as it is."""

    groups: tuple[Reference, ...] = Field(min_length=1, description="whose hosts stand in it")
    vlan: Int | None = Field(
        default=None, ge=1, le=4094, description="its number; without one the frames have no tag"
    )
    prefixes: tuple[Prefix, ...] = Field(default=(), max_length=2, description="one a family")
    gateway: tuple[Address, ...] = Field(
        default=(),
        max_length=2,
        description="who leads out of it, one a family: VRRP's, or the only router's own",
    )
    interface: InterfaceName | None = Field(
        default=None, description="in this network, on every host; default: `vlan` and the number"
    )

    @field_validator("prefixes", "gateway")
    @classmethod
    def _one_a_family(cls, value: tuple[Prefix | IPAddress, ...]) -> tuple[Prefix | IPAddress, ...]:
        if len({each.version for each in value}) != len(value):
            raise ValueError("at most one of each family; a second network is an entry of its own")
        return value

    @field_validator("prefixes")
    @classmethod
    def _for_hosts(cls, value: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
        for prefix in value:
            if prefix.is_multicast or prefix.is_loopback or prefix.is_link_local or prefix.is_unspecified:
                raise ValueError(f"no host can have an address of {prefix}")
        return value

    @model_validator(mode="after")
    def _interface_known(self) -> Lan:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError("a group stands in `groups` twice: keep one of them")
        return self

    def prefix(self, family: int) -> Prefix | None:
        return next((each for each in self.prefixes if each.version == family), None)

    def gateway_of(self, family: int) -> Address | None:
        return next((each for each in self.gateway if each.version == family), None)


class Machine(Noun):
    """A host under its own name. `group` and `number` say which one it is; the number never changes."""

    group: Reference
    number: Int = Field(ge=1, le=240, description="the N that SITE-GROUP-N would have")
    addresses: tuple[Address, ...] = Field(
        default=(), description="one a family; of a router one in each network and family"
    )
    interface: InterfaceName | None = Field(
        default=None, description="in its network, where that of the network is another"
    )
    public: tuple[Address, ...] = Field(
        default=(),
        max_length=2,
        description="of a proxy at a site with `front: none`, one a family: where clients reach it. Another one than its own "
        "is translated to that, one to one",
    )

    @field_validator("public")
    @classmethod
    def _public_one_a_family(cls, value: tuple[IPAddress, ...]) -> tuple[IPAddress, ...]:
        if len({each.version for each in value}) != len(value):
            raise ValueError(
                "at most one IPv4 and one IPv6 address: clients choose among proxies, not among a proxy's addresses"
            )
        for each in value:
            if each.is_multicast or each.is_loopback or each.is_link_local or each.is_unspecified:
                raise ValueError(f"no client can reach {each}")
        return value
