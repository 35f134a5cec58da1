"""Networks between and inside sites."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field, field_validator, model_validator

from trimtab.estate.amount import Bandwidth
from trimtab.estate.base import Interface, IPInterface, Noun, Prefix, Reference
from trimtab.estate.quantity import Duration


class Link(Noun):
    """Figures of the private path between two sites; the path itself always exists."""

    between: tuple[Reference, Reference]
    rtt: Duration | None = Field(
        default=None, gt=0, le=10, description="round trip; default: from the distance"
    )
    bandwidth: Bandwidth | None = Field(default=None, gt=0, description="bits a second, each way")
    ends: dict[Reference, tuple[Interface, ...]] = Field(
        default={},
        description="site: its first router's addresses on the path, with their length; default: by ids",
    )

    def end_of(self, site: str, family: int) -> IPInterface | None:
        return next((each for each in self.ends.get(site, ()) if each.version == family), None)

    @model_validator(mode="after")
    def _both_ends(self) -> Link:
        if self.ends and set(self.ends) != set(self.between):
            raise ValueError(f"`ends` are those of {' and '.join(self.between)}")
        for family in (4, 6):
            first, second = (self.end_of(site, family) for site in self.between)
            if (first is None) != (second is None):
                raise ValueError(f"IPv{family} has one end: each site has an address of it, or none")
            if first and second and (first.network != second.network or first.ip == second.ip):
                raise ValueError(f"{first} and {second} are no two ends of one network")
        return self


class Network(Noun):
    """`private`: the /8 that every private address is derived in.  `plan`: what is not stated is derived, or is a fault."""

    private: Prefix = IPv4Network("10.0.0.0/8")
    plan: Literal["derived", "stated"] = "derived"

    @field_validator("private")
    @classmethod
    def _an_eight(cls, value: Prefix) -> Prefix:
        if value.version != 4 or value.prefixlen != 8:
            raise ValueError("an IPv4 /8 is expected: the second octet is the site, the third the network")
        first = int(str(value).split(".", 1)[0])
        if first in (0, 127, 172) or first >= 224:
            raise ValueError("not 0, 127, 224 and above, nor 172, where the links between sites are")
        return value
