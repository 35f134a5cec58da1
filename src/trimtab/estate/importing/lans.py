"""Which addresses are of one network: by the VLAN that their prefix or interface has, or by the interface that has both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trimtab.estate.base import IPInterface, IPNetwork
from trimtab.estate.importing.found import Device, Found, Gateway, Place, VlanRow, slug

Token = tuple[str, str]
TAGGED = re.compile(r"(?:.*\.|vlan-?|vl)([1-9]\d{0,3})", re.IGNORECASE)
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True, slots=True)
class Stands:
    """A device in a network."""

    device: Device
    local: IPInterface
    interface: str
    place: Place


@dataclass(slots=True)
class Segment:
    """One network of a site. number: its VLAN, None where nothing says it."""

    site: str
    number: int | None = None
    name: str = ""
    nets: dict[IPNetwork, None] = field(default_factory=dict)
    hosts: list[Stands] = field(default_factory=list)

    def of(self, version: int) -> list[IPNetwork]:
        return [net for net in self.nets if net.version == version]


def segments(site: str, stands: Iterable[Stands], found: Found) -> list[Segment]:
    """The networks of a site that devices stand in, by their first address."""
    rows = [row for row in found.vlans if row.site in ("", site)]
    all_of = list(stands)
    root = _joined(list(_tokens(each, rows)) for each in all_of)
    groups: dict[Token, Segment] = {}
    for each in all_of:
        segment = groups.setdefault(root[_net(each.local)], Segment(site))
        segment.nets[each.local.network] = None
        segment.hosts.append(each)
    for segment in groups.values():
        _describe(segment, rows)
    key = sorted(
        groups.values(), key=lambda s: [(n.version, int(n.network_address)) for n in _sorted(s.nets)]
    )
    return _named(key)


def _net(local: IPInterface) -> Token:
    return "net", str(local.network)


def _tokens(each: Stands, rows: list[VlanRow]) -> Iterator[Token]:
    yield _net(each.local)
    for number in _numbers(each.local.network, each.interface, rows):
        yield "vlan", str(number)
    if each.interface:
        yield "interface", f"{each.device.name} {each.interface}"


def _numbers(net: IPNetwork, interface: str, rows: list[VlanRow]) -> list[int]:
    """The VLAN that a prefix has, otherwise the one that the interface's name says."""
    if stated := [row.number for row in rows if net in row.prefixes]:
        return stated[:1]
    tagged = TAGGED.fullmatch(interface)
    return [int(tagged[1])] if tagged and int(tagged[1]) <= 4094 else []


def _joined(lists: Iterable[list[Token]]) -> dict[Token, Token]:
    """Token → one for all that hang together."""
    above: dict[Token, Token] = {}

    def root(token: Token) -> Token:
        while above.setdefault(token, token) != token:
            token = above[token]
        return token

    for tokens in lists:
        roots = {root(token) for token in tokens}
        above.update(dict.fromkeys(roots, min(roots)))
    return {token: root(token) for token in list(above)}


def _describe(segment: Segment, rows: list[VlanRow]) -> None:
    """A VLAN's row adds the prefix of the other family, which no device may have an address in yet."""
    numbers = [n for each in segment.hosts for n in _numbers(each.local.network, each.interface, rows)]
    segment.number = numbers[0] if numbers else None
    row = next((row for row in rows if row.number == segment.number), None)
    if row is not None:
        segment.name = slug(row.name)[:20].strip("-")
        for net in row.prefixes:
            if not segment.of(net.version):
                segment.nets[net] = None


def _named(found: list[Segment]) -> list[Segment]:
    taken: set[str] = set()
    for index, segment in enumerate(found, 1):
        plain = segment.name if NAME.fullmatch(segment.name) else ""
        number = f"vlan{segment.number}" if segment.number else f"net{index}"
        segment.name = next(
            n for n in (plain, number, f"net{index}", f"net{index}-{number}") if n and n not in taken
        )
        taken.add(segment.name)
    return found


def _sorted(nets: Iterable[IPNetwork]) -> list[IPNetwork]:
    return sorted(nets, key=lambda n: (n.version, int(n.network_address)))


def gateways_of(segment: Segment, found: Found) -> list[Gateway]:
    return [each for each in found.gateways if each.local.network in segment.nets]
