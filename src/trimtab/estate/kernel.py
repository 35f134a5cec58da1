"""Kernel settings of the hosts that carry traffic."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

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


def _settings(value: dict[str, str]) -> dict[str, str]:
    """What Trimtab reads itself has to be what the kernel takes."""
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

    somaxconn: Int = Field(default=65535, ge=128, le=2147483647)
    conntrack: Int = Field(default=2_000_000, ge=1024, le=1_000_000_000)
    reserved_ports: tuple[PortRange, ...] = Field(
        default=(),
        description="ports of your own daemons that no outgoing connection may take; those of a host's roles are reserved anyway",
    )
    sysctl: Annotated[
        dict[Annotated[Text, AfterValidator(_key)], Annotated[Text, AfterValidator(_value)]],
        AfterValidator(_settings),
    ] = {}

    def reserved(self) -> set[int]:
        """All that the file reserves itself."""
        stated = [parse_ports(part) for part in self.sysctl.get(RESERVED, "").split(",") if part]
        return {port for ports in (*self.reserved_ports, *stated) for port in ports}
