"""Which networks a site has, and who stands in which: stated ones first, derived ones for all that nothing is said of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network

from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, Family, Stated, Vlan
from trimtab.estate.base import IPAddress
from trimtab.estate.estate import Estate
from trimtab.estate.group import Group
from trimtab.estate.lan import Lan, Machine

NOBODY = 255  # the octet of a group that there is not; the loader refuses it


def group_of(estate: Estate, name: str) -> Group | None:
    """The group's entry; for a group named after a role, a Group with id 0 is made up."""
    found = estate.groups.get(name)
    if found is not None:
        return found
    if name in estate.roles.known:
        return Group.model_construct(id=0, roles=(name,), platform=None)
    return None


class Lans:
    """The networks of an estate. first: the first octet of what is derived."""

    def __init__(self, estate: Estate, first: int) -> None:
        self.estate, self.first = estate, first
        self._of: dict[tuple[str, str], tuple[Vlan, ...]] = {}
        self._at: dict[str, tuple[Vlan, ...]] = {}
        for site in estate.sites:
            self._read(site)

    def _read(self, site: str) -> None:
        declared = self.estate.sites[site]
        stated: dict[str, list[Vlan]] = {}
        for name, lan in sorted(declared.networks.items()):
            vlan = self._stated(site, name, lan)
            for group in lan.groups:
                stated.setdefault(group, []).append(vlan)
        for group in (*declared.hosts, *stated):
            self._of[site, group] = tuple(stated.get(group, ())) or (self._derived(site, group),)

    def _octet(self, group_name: str) -> int:
        group = group_of(self.estate, group_name)
        return addressing.octet(self.estate.roles.known[group.roles[0]].number, group.id) if group else NOBODY

    def _derived(self, site: str, group: str) -> Vlan:
        return Vlan(self.estate.sites[site].id, self._octet(group), group, self.first)

    def _stated(self, site: str, name: str, lan: Lan) -> Vlan:
        """What is left out is that of its group with the lowest octet."""
        octet, group = min((self._octet(group), group) for group in lan.groups)
        number = lan.vlan if lan.vlan or lan.interface else 100 + octet
        v4, v6 = lan.prefix(4), lan.prefix(6)
        stated = Stated(
            name,
            number,
            lan.interface or f"vlan{number}",
            v4 if isinstance(v4, IPv4Network) else None,
            v6 if isinstance(v6, IPv6Network) else None,
            lan.gateway_of(4),
            lan.gateway_of(6),
        )
        return Vlan(self.estate.sites[site].id, octet, group, self.first, stated)

    def of(self, site: str, group: str) -> tuple[Vlan, ...]:
        """The networks that hosts of a group may stand in."""
        return self._of.get((site, group)) or (self._derived(site, group),)

    def at(self, site: str) -> tuple[Vlan, ...]:
        """Every network of a site: the derived ones by octet, then the stated ones by name."""
        if site in self._at:
            return self._at[site]
        found = {vlan for group in self.estate.sites[site].hosts for vlan in self.of(site, group)}
        order = sorted(found, key=lambda v: (v.stated is not None, v.name if v.stated else "", v.octet))
        return self._at.setdefault(site, tuple(order))

    @cached_property
    def _machines(self) -> dict[tuple[str, str, int], tuple[str, Machine]]:
        return {
            (site, machine.group, machine.number): (name, machine)
            for site, declared in self.estate.sites.items()
            for name, machine in declared.machines.items()
        }

    def machine(self, site: str, group: str, number: int) -> tuple[str, Machine] | None:
        """(its name, what is stated of it)."""
        return self._machines.get((site, group, number))

    def own_addresses(self, site: str, group: str, number: int) -> tuple[IPAddress, ...]:
        """What is stated of a host, in all its networks."""
        found = self.machine(site, group, number)
        return found[1].addresses if found else ()

    def place(self, site: str, group: str, number: int) -> Vlan:
        """Where a host stands: the network of its group in which it has an address, or the first."""
        among = self.of(site, group)
        if len(among) == 1:
            return among[0]
        stated = (self._moved(site, group, number), *self.own_addresses(site, group, number))
        return next((v for v in among for a in stated if a and a in v.network(family(a))), among[0])

    def _moved(self, site: str, group: str, number: int) -> IPAddress | None:
        """By `sites.X.addresses`."""
        moved = self.estate.sites[site].addresses
        return moved.get(f"{site}-{group}-{number}") if moved else None

    def is_derived(self, site: str) -> bool:
        """Is nothing said of the site's networks and hosts?"""
        declared = self.estate.sites[site]
        said = declared.networks or declared.machines or declared.addresses
        return not said and self.estate.network.plan == "derived"

    def address(self, site: str, group: str, number: int, version: Family) -> str | None:
        """Of a host by its number, whether there is one or not: as stated, otherwise as derived; None where neither is."""
        moved = self._moved(site, group, number)
        if moved is not None and moved.version == version:
            return str(moved)
        vlan = self.place(site, group, number)
        for stated in self.own_addresses(site, group, number):
            if stated.version == version and stated in vlan.network(version):
                return str(stated)
        if self.estate.network.plan == "stated":
            return None
        return self.counted(vlan, version, addressing.GATEWAY + number)

    def counted(self, vlan: Vlan, version: Family, number: int) -> str | None:
        """The address with that number of a network; None where it is too small."""
        if not vlan.is_stated(version):
            if version == 4:
                return f"{vlan.first}.{vlan.site_id}.{vlan.octet}.{number}"
            return f"fd00:{vlan.site_id:x}:{vlan.octet:x}::{number:x}"
        net = vlan.network(version)
        last = net.num_addresses - (2 if version == 4 else 1)
        return str(net[number]) if number <= last else None

    def in_network(self, site: str, group: str, number: int, vlan: Vlan, version: Family) -> str | None:
        """Of a router, in one of the networks that it leads out of: as stated, otherwise N of the network."""
        own = vlan == self.place(site, group, number)
        if own and vlan.is_stated(version):
            return self.address(site, group, number, version)
        for stated in self.own_addresses(site, group, number) if not own else ():
            if stated.version == version and stated in vlan.network(version):
                return str(stated)
        if self.estate.network.plan == "stated":
            return None
        return self.counted(vlan, version, number)

    def private(self, site: str, version: Family) -> Iterator[str]:
        """What is private of a site, as the other sites learn it: all that is derived as one, each stated network."""
        vlans = self.at(site)
        if not vlans or not all(vlan.is_stated(version) for vlan in vlans):
            yield str(addressing.site_aggregate(version, self.estate.sites[site].id, self.first))
        yield from (str(vlan.network(version)) for vlan in vlans if vlan.is_stated(version))


def family(address: IPAddress) -> Family:
    return FAMILIES[0] if address.version == 4 else FAMILIES[1]
