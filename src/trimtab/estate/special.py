"""Numbers that the Internet does not carry: special-purpose prefixes and reserved AS numbers, with where that is said.

Sources: the IANA special-purpose address registries (RFC 6890 and what has been added to them since), RFC 5398, 6996, 7300.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from trimtab.estate.base import IPNetwork


@dataclass(frozen=True, slots=True)
class Block:
    """A range that is set aside. example: for documentation and laboratories, as in every estate that is not in use yet."""

    network: IPNetwork
    purpose: str
    example: bool = False


def _block(prefix: str, purpose: str, *, example: bool = False) -> Block:
    return Block(ip_network(prefix), purpose, example)


BLOCKS = (
    _block("0.0.0.0/8", "this network (RFC 791)"),
    _block("10.0.0.0/8", "private use (RFC 1918)"),
    _block("100.64.0.0/10", "shared between providers and their customers (RFC 6598)"),
    _block("127.0.0.0/8", "loopback (RFC 1122)"),
    _block("169.254.0.0/16", "link-local (RFC 3927)"),
    _block("172.16.0.0/12", "private use (RFC 1918)"),
    _block("192.0.0.0/24", "protocol assignments (RFC 6890)"),
    _block("192.0.2.0/24", "documentation (RFC 5737)", example=True),
    _block("192.88.99.0/24", "what was 6to4 (RFC 7526)"),
    _block("192.168.0.0/16", "private use (RFC 1918)"),
    _block("198.18.0.0/15", "laboratories (RFC 2544)", example=True),
    _block("198.51.100.0/24", "documentation (RFC 5737)", example=True),
    _block("203.0.113.0/24", "documentation (RFC 5737)", example=True),
    _block("224.0.0.0/4", "multicast (RFC 5771)"),
    _block("240.0.0.0/4", "reserved (RFC 1112)"),
    _block("2001:db8::/32", "documentation (RFC 3849)", example=True),
    _block("2001:2::/48", "laboratories (RFC 5180)", example=True),
    _block("2001::/23", "protocol assignments (RFC 2928)"),
    _block("2002::/16", "6to4 (RFC 7526)"),
    _block("3fff::/20", "documentation (RFC 9637)", example=True),
    _block("fc00::/7", "private use (RFC 4193)"),
    _block("fe80::/10", "link-local (RFC 4291)"),
    _block("ff00::/8", "multicast (RFC 4291)"),
)
# All that is given out of IPv6 lies here (RFC 4291, 2.4, and IANA's registry of the address space).
GLOBAL_V6 = ip_network("2000::/3")
# AS numbers that nobody can have.
RESERVED_AS = {
    0: "AS0 says that nobody may announce a prefix (RFC 7607)",
    23456: "AS23456 stands for a number of 32 bits where only 16 fit (RFC 6793)",
    65535: "AS65535 is reserved (RFC 7300)",
    4294967295: "AS4294967295 is reserved (RFC 7300)",
}
EXAMPLE_AS = (range(64496, 64512), range(65536, 65552))
PRIVATE_AS = (range(64512, 65535), range(4200000000, 4294967295))
UNASSIGNED_AS = range(65552, 131072)


def block_of(prefix: IPNetwork) -> Block | None:
    """The special range that the prefix lies in, the narrowest one; None where the Internet may carry it."""
    inside = [b for b in BLOCKS if b.network.version == prefix.version and within(prefix, b.network)]
    if inside:
        return max(inside, key=lambda b: b.network.prefixlen)
    if prefix.version == 6 and not within(prefix, GLOBAL_V6):
        return Block(GLOBAL_V6, "not given to anybody: global addresses are in 2000::/3 (RFC 4291)")
    return None


def within(inner: IPNetwork, outer: IPNetwork) -> bool:
    """Is all of one in the other?"""
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and int(inner.network_address) & int(outer.netmask) == int(outer.network_address)
    )


# What the Internet carries at most (beyond, networks filter), and what a regional registry itself is given at once.
_LONGEST, _SHORTEST = {4: 24, 6: 48}, {4: 8, 6: 12}


def refuse_unrouted(prefix: IPNetwork) -> None:
    """Raises ValueError for a prefix that nobody can have on the Internet, or that it does not carry."""
    if prefix.prefixlen > _LONGEST[prefix.version]:
        raise ValueError(
            f"{prefix} is longer than a /24 (IPv4) or a /48 (IPv6): the Internet will not carry it"
        )
    if prefix.prefixlen < _SHORTEST[prefix.version]:
        raise ValueError(
            f"{prefix} is shorter than a /8 (IPv4) or a /12 (IPv6), the most that is given to anybody"
        )


def is_example_as(asn: int) -> bool:
    """For documentation only (RFC 5398)?"""
    return any(asn in numbers for numbers in EXAMPLE_AS)


def is_private_as(asn: int) -> bool:
    """For private use (RFC 6996)?"""
    return any(asn in numbers for numbers in PRIVATE_AS)


def reserved_as(asn: int) -> str | None:
    """Why nobody can have this number; None where somebody may."""
    if asn in UNASSIGNED_AS:
        return f"AS{asn} is reserved by IANA, as all from {UNASSIGNED_AS[0]} to {UNASSIGNED_AS[-1]}"
    return RESERVED_AS.get(asn)
