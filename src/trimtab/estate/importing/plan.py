"""From what was found to the networks and machines of sites; what cannot be is a fault with the line where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_interface

from trimtab.estate.addressing import MAX_HOSTS_A_GROUP
from trimtab.estate.base import IPAddress, IPInterface, IPNetwork
from trimtab.estate.estate import Estate
from trimtab.estate.importing.found import Assigned, Device, Found, Place, linux_name
from trimtab.estate.importing.lans import Segment, Stands, gateways_of, segments
from trimtab.estate.lans import group_of


@dataclass(frozen=True, slots=True)
class Line:
    """A machine, as it will be written."""

    name: str
    group: str
    number: int
    addresses: tuple[IPAddress, ...]
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Net:
    """A network, as it will be written."""

    name: str
    groups: tuple[str, ...]
    number: int | None
    prefixes: tuple[IPNetwork, ...]
    gateways: tuple[IPAddress, ...]
    interface: str = ""


@dataclass(slots=True)
class SitePlan:
    hosts: dict[str, int] = field(default_factory=dict)
    nets: list[Net] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def put_together(found: Found, estate: Estate) -> dict[str, SitePlan]:
    """Site → what its entry gets, for all sites that devices are at. Faults are added to those that were found."""
    stands = list(_stands(found, estate))
    plans = {}
    for site in dict.fromkeys(device.site for device in found.devices.values()):
        own = [each for each in stands if each.device.site == site]
        plans[site] = _Site(found, estate, site, segments(site, own, found)).plan()
    return plans


def _stands(found: Found, estate: Estate) -> Iterator[Stands]:
    """Each device with each of its addresses, once."""
    owners: dict[IPAddress, Assigned] = {}
    for each in found.assigned:
        device = found.devices.get(each.device)
        if device is None:
            found.leave("addresses of other devices")
            continue
        first = owners.setdefault(each.address, each)
        if first.device != each.device:
            where = f"{first.place.file}:{first.place.line}"
            found.faults.append(
                each.place.fault(f"{each.address} is {first.device}'s too, {where}", "give each host its own")
            )
            continue
        if first is not each and (first.local or each.local is None):
            continue
        local = each.local or _known(each.address, device.site, found, estate)
        if local is None:
            hint = "its length, `10.20.30.11/24`; or a list of VLANs or prefixes, or the estate's `networks`, say its network"
            found.faults.append(each.place.fault(f"{each.address} of {each.device} has no mask", hint))
        elif local.network.prefixlen == local.max_prefixlen:
            found.leave("addresses of one host alone (loopbacks)")
        else:
            yield Stands(device, local, each.interface, each.place)


def _known(address: IPAddress, site: str, found: Found, estate: Estate) -> IPInterface | None:
    """With the length of the network that it is in, where something says that."""
    nets = [net for lan in estate.sites[site].networks.values() for net in lan.prefixes]
    nets += [net for row in found.vlans if row.site in ("", site) for net in row.prefixes]
    net = next((net for net in nets if address in net), None)
    return ip_interface(f"{address}/{net.prefixlen}") if net else None


class _Site:
    def __init__(self, found: Found, estate: Estate, site: str, lans: list[Segment]) -> None:
        self.found, self.estate, self.site, self.lans = found, estate, site, lans
        self.declared = estate.sites[site]
        self.devices = [device for device in found.devices.values() if device.site == site]
        self._leading = {g for g in {d.group for d in self.devices} if self._is_leading(g)}
        self._interfaces: dict[int, str] = {}
        self._assigned = {each.device for each in found.assigned}
        self._own: dict[str, list[tuple[Segment, Stands]]] = {}
        for lan in lans:
            for each in lan.hosts:
                self._own.setdefault(each.device.name, []).append((lan, each))

    def plan(self) -> SitePlan:
        self._judge()
        numbers = self._numbers()
        known = {group: count.high for group, count in self.declared.hosts.items()}
        counts = {device.group: 0 for device in self.devices}
        for group, number in numbers.values():
            counts[group] = max(counts[group], number, known.get(group, 0))
        own = self._routers_own()
        nets = [net for lan in self.lans if (net := self._net(lan, own)) is not None]
        written = {prefix for net in nets for prefix in net.prefixes}
        lines = [self._line(device, numbers[device.name], written) for device in self.devices]
        return SitePlan(counts, nets, lines)

    def _fault(self, place: Place, message: str, hint: str) -> None:
        self.found.faults.append(place.fault(message, hint))

    def _judge(self) -> None:
        for lan in self.lans:
            for version in (4, 6):
                if len(nets := lan.of(version)) > 1:
                    at = next(each.place for each in lan.hosts if each.local.network == nets[1])
                    what = f"{' and '.join(map(str, nets))} are on one interface or VLAN"
                    self._fault(
                        at, what, "a network has one prefix a family: `--without INTERFACE` leaves one out"
                    )
        for device in self.devices:
            self._judge_host(device)

    def _judge_host(self, device: Device) -> None:
        own = self._own.get(device.name, [])
        among = list({id(lan): lan for lan, _ in own}.values())
        if not own and device.name not in self._assigned:
            hint = "export the list of IP addresses too; with Ansible, `ansible_host` as an address, or facts"
            self._fault(device.place, f"{device.name} has no address", hint)
        elif len(among) > 1 and not self._leads(device):
            where = max((each for _, each in own), key=lambda each: each.place.line)
            hint = f"a host stands in one network: `--without {where.interface or 'INTERFACE'}`, or the other interface"
            names = " and ".join(lan.name for lan in among)
            self._fault(where.place, f"{device.name} stands in {names}", hint)
        seen: dict[tuple[int, int], Stands] = {}
        for lan, each in own:
            first = seen.setdefault((id(lan), each.local.version), each)
            if first is not each:
                what = f"{first.local.ip} is {device.name}'s address in that network already"
                self._fault(each.place, what, "one a family")

    def _is_leading(self, group: str) -> bool:
        """Do its hosts lead out of networks?"""
        found = group_of(self.estate, group)
        return found is not None and "gateway" in self.estate.roles.duties(found.roles)

    def _leads(self, device: Device) -> bool:
        return device.group in self._leading

    def _numbers(self) -> dict[str, tuple[str, int]]:
        """Who has a number keeps it; the others get the next ones, in the order of their file."""
        there = {name: (m.group, m.number) for name, m in self.declared.machines.items()}
        gone = set(self.declared.retired)
        taken = {key for name, key in there.items()}
        numbers, first = {}, dict[str, int]()
        for device in self.devices:
            key = there.get(device.name)
            if key is None or key[0] != device.group:
                number = first.get(device.group, 1)
                while (device.group, number) in taken or f"{self.site}-{device.group}-{number}" in gone:
                    number += 1
                key = (device.group, number)
                taken.add(key)
                if number == MAX_HOSTS_A_GROUP + 1:
                    hint = "split the group: a second one with its own id, and `--group THEIRS=GROUP`"
                    what = f"more than {MAX_HOSTS_A_GROUP} hosts of `{device.group}` at {self.site}"
                    self._fault(device.place, what, hint)
                first[device.group] = key[1]
            numbers[device.name] = key
        return numbers

    def _routers_own(self) -> Segment | None:
        """Where routers speak with each other: a network of theirs alone, otherwise the first one that they are in."""
        theirs = [lan for lan in self.lans if any(self._leads(each.device) for each in lan.hosts)]
        alone = [lan for lan in theirs if all(self._leads(each.device) for each in lan.hosts)]
        return next(iter(alone or theirs), None)

    def _net(self, lan: Segment, own: Segment | None) -> Net | None:
        groups = dict.fromkeys(each.device.group for each in lan.hosts if not self._leads(each.device))
        if lan is own:
            groups |= dict.fromkeys(each.device.group for each in lan.hosts if self._leads(each.device))
        if not groups:
            self.found.leave("networks of routers alone, but for one")
            return None
        devices = self.found.devices
        shared = [
            each
            for each in gateways_of(lan, self.found)
            if each.of not in devices or not self._leads(devices[each.of])
        ]
        for version in (4, 6):
            of = [each for each in shared if each.local.version == version]
            if len({each.local.ip for each in of}) > 1:
                self._fault(
                    of[1].place,
                    f"{of[0].local.ip} is the gateway of {lan.name} already",
                    "a network has one a family",
                )
        gateways = dict.fromkeys(each.local.ip for each in shared)
        same = [n for n, known in self.declared.networks.items() if set(known.prefixes) & set(lan.nets)]
        return Net(
            same[0] if same else lan.name,
            tuple(groups),
            lan.number,
            tuple(sorted(lan.nets, key=lambda n: n.version)),
            tuple(sorted(gateways, key=lambda a: a.version)),
            self._interface(lan),
        )

    def _interface(self, lan: Segment) -> str:
        """As the routers call it, who have it as well; where there are none as most hosts do. "" for what it is called anyway:
        what a server calls its port says nothing of a router's.
        """
        if id(lan) not in self._interfaces:
            named = [(self._leads(each.device), linux_name(each.interface)) for each in lan.hosts]
            said = [name for leads, name in named if name and (leads or not self._routed())]
            most = Counter(sorted(said)).most_common(1)
            usual = most[0][0] if most else ""
            self._interfaces[id(lan)] = "" if lan.number and usual == f"vlan{lan.number}" else usual
        return self._interfaces[id(lan)]

    def _routed(self) -> bool:
        """Has the site routers, which stand in each of its networks?"""
        return any(self._is_leading(group) for group in (*self.declared.hosts, *self._leading))

    def _line(self, device: Device, key: tuple[str, int], written: set[IPNetwork]) -> Line:
        kept = [(lan, each) for lan, each in self._own.get(device.name, ()) if each.local.network in written]
        addresses = tuple(dict.fromkeys(each.local.ip for _, each in kept))
        if self._leads(device) or not kept:
            return Line(device.name, *key, addresses)
        lan, each = kept[0]
        usual = self._interface(lan) or f"vlan{lan.number}"
        name = linux_name(each.interface)
        return Line(device.name, *key, addresses, name if name != usual else "")
