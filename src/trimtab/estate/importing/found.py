"""What other inventories say, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from trimtab.estate.base import IPAddress, IPInterface, IPNetwork
from trimtab.estate.fault import Fault

INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
MOST = 100  # characters of a value that is shown


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int

    def fault(self, message: str, hint: str = "") -> Fault:
        return Fault(self.file, self.line, 1, "", shown(message, 400), shown(hint, 400))


@dataclass(frozen=True, slots=True)
class Device:
    """name, site: as the estate spells them.  group: of the estate."""

    name: str
    site: str
    group: str
    place: Place


@dataclass(frozen=True, slots=True)
class Assigned:
    """An address of a device. interface: "" where nothing is said.  local: with its length; None without one."""

    device: str
    address: IPAddress
    local: IPInterface | None
    interface: str
    place: Place


@dataclass(frozen=True, slots=True)
class Gateway:
    """An address that routers share.  of: the device whose way out it is, "" for everybody's."""

    local: IPInterface
    place: Place
    of: str = ""


@dataclass(frozen=True, slots=True)
class VlanRow:
    """site: "" where it has none."""

    number: int
    name: str
    site: str
    prefixes: tuple[IPNetwork, ...]
    place: Place


@dataclass(slots=True)
class Found:
    """All of it. left: what was left out, and why: how often."""

    devices: dict[str, Device] = field(default_factory=dict)
    assigned: list[Assigned] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    vlans: list[VlanRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def foreign(self, what: str, place: Place, hint: str) -> None:
        """A word that the estate has not: told once."""
        if what not in self.unknown:
            self.faults.append(place.fault(what, hint))
        self.unknown.add(what)

    def leave(self, why: str) -> None:
        self.left[why] = self.left.get(why, 0) + 1

    def add(self, device: Device) -> None:
        other = self.devices.get(device.name)
        if other is not None and other.place.file == device.place.file:
            where = f"first in line {other.place.line}"
            self.faults.append(
                device.place.fault(f"`{device.name}` stands here twice, {where}", "keep one of them")
            )
            return
        self.devices.setdefault(device.name, device)


@dataclass(frozen=True, slots=True)
class Names:
    """How the estate calls what others call differently. sites, groups: their word → ours; "" leaves it out.
    known_sites, known_groups: ours.  without: interfaces that are left out.  only: the site that all are at, whatever is said.
    """

    known_sites: frozenset[str]
    known_groups: frozenset[str]
    sites: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    only: str = ""

    def site(self, said: str) -> str | None:
        return self.only or _ours(said, self.sites, self.known_sites)

    def group(self, said: str) -> str | None:
        return _ours(said, self.groups, self.known_groups)


def _ours(said: str, mapped: Mapping[str, str], known: frozenset[str]) -> str | None:
    """None for what is nobody's; "" for what is left out."""
    for word in (said, slug(said)):
        if word in mapped:
            return mapped[word]
        if word in known:
            return word
    return None


def slug(said: str) -> str:
    """As NetBox makes them of names."""
    return re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")


def host_name(said: str) -> str:
    """Lower case, without the domain."""
    return slug(said.split(".", 1)[0])


def linux_name(interface: str) -> str:
    """The name of an interface, "" for one that Linux could not have."""
    return interface if INTERFACE.fullmatch(interface) else ""


def shown(text: str, most: int = MOST) -> str:
    """Printable and not too long."""
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def local_of(text: str) -> tuple[IPAddress, IPInterface | None]:
    """An address, and the same with its length where it has one. Raises ValueError."""
    text = text.strip()
    if "%" in text:
        raise ValueError("an address without a zone is expected")
    if "/" not in text:
        return ip_address(text), None
    found = ip_interface(text)
    return found.ip, found


def prefixes_of(text: str) -> Iterator[str]:
    """Of a cell that has several."""
    yield from (each for each in re.split(r"[\s,;]+", text) if each)
