"""Networks between and inside sites."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field, field_validator

from trimtab.estate.amount import Bandwidth
from trimtab.estate.base import Noun, Prefix, Reference
from trimtab.estate.quantity import Duration


class Link(Noun):
    """Figures of the private path between two sites; the path itself always exists."""

    between: tuple[Reference, Reference]
    rtt: Duration | None = Field(
        default=None, gt=0, le=10, description="round trip; default: from the distance"
    )
    bandwidth: Bandwidth | None = Field(default=None, gt=0, description="bits a second, each way")


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
