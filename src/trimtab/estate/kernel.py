"""Kernel settings of the hosts that carry traffic."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from trimtab.estate.base import Noun
from trimtab.estate.quantity import Int, Text


def _key(value: str) -> str:
    if re.fullmatch(r"(net|vm|fs|kernel)(\.[a-z0-9_-]+)+", value) is None:
        raise ValueError("a sysctl key begins with net., vm., fs. or kernel.: `net.core.rmem_max`")
    return value


def _value(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.+-]+([ ,][A-Za-z0-9_.+-]+)*", value) is None:
        raise ValueError("a sysctl value is words and numbers with single blanks or commas between")
    return value


def parse_ports(value: Any) -> range:
    """`8080` or `2379-2385`, both ends included. Raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", str(value), re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise ValueError("a port or a range of ports is expected, at most 65535: `8080`, `2379-2385`")
    return range(first, last + 1)


def ports_text(ports: range) -> str:
    return str(ports[0]) if len(ports) == 1 else f"{ports[0]}-{ports[-1]}"


PortRange = Annotated[
    range,
    PlainValidator(parse_ports),
    PlainSerializer(ports_text, return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]+(-[0-9]+)?$"}),
]
RESERVED = "net.ipv4.ip_local_reserved_ports"
PORT_RANGE = "net.ipv4.ip_local_port_range"


# What has a key of its own may be set as a sysctl too, within the same limits.
SOMAXCONN, CONNTRACK = (128, 2147483647), (1024, 1_000_000_000)
LIMITS = {"net.core.somaxconn": SOMAXCONN, "net.netfilter.nf_conntrack_max": CONNTRACK}
# What hosts lend to outgoing connections. A proxy takes one for each connection to a member. BIRD takes the kernel's choice as
# BFD's source port, and a neighbour may drop what RFC 5881, 4 does not allow; what else a router connects to (its peers,
# registries) needs few, and no router is a proxy. Other hosts: the kernel's own default (ip-sysctl.rst).
PROXY_PORTS, ROUTER_PORTS, OTHER_PORTS = range(1024, 65536), range(49152, 65536), range(32768, 61000)
LEAST_LENT = 1024


def _settings(value: dict[str, str]) -> dict[str, str]:
    """What Trimtab reads itself has to be what the kernel takes."""
    for key, (least, most) in LIMITS.items():
        if key in value and not (value[key].isdecimal() and least <= int(value[key]) <= most):
            raise ValueError(f"{key}: got `{value[key]}`: a whole number from {least} to {most} is expected")
    for part in value[RESERVED].split(",") if RESERVED in value else ():
        try:
            parse_ports(part)
        except ValueError as error:
            raise ValueError(f"{RESERVED}: got `{part}`: {error}") from error
    if PORT_RANGE in value and not _is_port_range(value[PORT_RANGE]):
        raise ValueError(f"{PORT_RANGE}: got `{value[PORT_RANGE]}`: two ports, the lower first: `1024 65535`")
    return value


def _is_port_range(value: str) -> bool:
    ends = value.split()
    return (
        len(ends) == 2
        and all(end.isascii() and end.isdigit() for end in ends)
        and 1 <= int(ends[0]) < int(ends[1]) <= 65535
    )


class Kernel(Noun):
    """`sysctl` comes on top and wins over what Trimtab sets itself; reserved ports are added to Trimtab's."""

    somaxconn: Int = Field(default=65535, ge=SOMAXCONN[0], le=SOMAXCONN[1])
    conntrack: Int = Field(default=2_000_000, ge=CONNTRACK[0], le=CONNTRACK[1])
    reserved_ports: tuple[PortRange, ...] = Field(
        default=(),
        description="ports of your own daemons that no outgoing connection may take; those of a host's roles are reserved anyway",
    )
    sysctl: Annotated[
        dict[Annotated[Text, AfterValidator(_key)], Annotated[Text, AfterValidator(_value)]],
        AfterValidator(_settings),
    ] = {}

    @model_validator(mode="after")
    def _lends_enough(self) -> Kernel:
        reserved = self.reserved()
        stated = self.sysctl.get(PORT_RANGE, "").split()
        lend = (PROXY_PORTS, ROUTER_PORTS, OTHER_PORTS)
        for lent in (range(int(stated[0]), int(stated[1]) + 1),) if stated else lend:
            if (left := len(set(lent) - reserved)) < LEAST_LENT:
                raise ValueError(
                    f"{left} of the ports {ports_text(lent)} are left to outgoing connections, at least {LEAST_LENT} are "
                    f"needed: reserve only those that your own daemons listen on, and lend enough (`{PORT_RANGE}`)"
                )
        return self

    def reserved(self) -> set[int]:
        """All that the file reserves itself."""
        stated = [parse_ports(part) for part in self.sysctl.get(RESERVED, "").split(",") if part]
        return {port for ports in (*self.reserved_ports, *stated) for port in ports}
