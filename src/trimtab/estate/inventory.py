"""Every host of an estate and the networks it stands in, derived once and looked up often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address

from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, Family, Vlan
from trimtab.estate.base import IPAddress, IPNetwork
from trimtab.estate.estate import Estate
from trimtab.estate.lans import Lans, group_of
from trimtab.estate.platform import Platform
from trimtab.estate.roles import Duty
from trimtab.estate.service import Service
from trimtab.estate.site import Site

NO_ADDRESS: dict[Family, str] = {4: "0.0.0.0", 6: "::"}  # of a host that lacks one; the loader refuses it


@dataclass(frozen=True, slots=True)
class Host:
    """One machine. `number` is its N in SITE-GROUP-N; the name is never parsed back. platform: None where nothing says it.
    nic: its interface in its network, "" for that of the network.
    """

    name: str
    site: str
    group: str
    number: int
    roles: tuple[str, ...]
    vlan: Vlan
    v4: str
    v6: str
    platform: Platform | None = None
    duties: frozenset[Duty] = frozenset()
    nic: str = ""

    @property
    def interface(self) -> str:
        return self.nic or self.vlan.interface

    def does(self, *duties: Duty) -> bool:
        """Any of them."""
        return not self.duties.isdisjoint(duties)

    def address(self, family: Family) -> str:
        return self.v4 if family == 4 else self.v6


def host_numbers(site_name: str, site: Site, group: str, at_most: int | None = None) -> list[int]:
    """Numbers of the hosts that run: 1 to the low end of the range, without the retired ones."""
    retired = set(site.retired)
    numbers = [n for n in range(1, site.hosts[group].low + 1) if f"{site_name}-{group}-{n}" not in retired]
    return numbers if at_most is None else numbers[:at_most]


class Inventory:
    """Hosts, networks and public addresses of an estate.

    shrink: apply the estate's `twin.at_most`, as the twin does.  platforms: host → another one than the file says.
    """

    def __init__(
        self, estate: Estate, *, shrink: bool = False, platforms: Mapping[str, Platform] | None = None
    ) -> None:
        self.estate = estate
        self.platforms = platforms or {}
        self.shrink = shrink
        self.first = int(str(estate.network.private).split(".", 1)[0])
        self.lans = Lans(estate, self.first)
        self.hosts: tuple[Host, ...] = tuple(self._derive())
        self._by_site: dict[str, list[Host]] = {name: [] for name in estate.sites}
        self._by_group: dict[tuple[str, str], list[Host]] = {}
        self._by_role: dict[tuple[str | None, str], list[Host]] = {}
        self._by_duty: dict[tuple[str | None, Duty], list[Host]] = {}
        self._public: dict[tuple[str, Family], IPNetwork | None] = {}
        for host in self.hosts:
            self._by_site[host.site].append(host)
            self._by_group.setdefault((host.site, host.group), []).append(host)
            for role in set(host.roles):
                self._by_role.setdefault((host.site, role), []).append(host)
                self._by_role.setdefault((None, role), []).append(host)
            for duty in host.duties:
                self._by_duty.setdefault((host.site, duty), []).append(host)
                self._by_duty.setdefault((None, duty), []).append(host)

    def _derive(self) -> Iterator[Host]:
        for site_name, site in sorted(self.estate.sites.items(), key=lambda item: item[1].id):
            for group_name in sorted(site.hosts, key=lambda g: (self.vlan(site_name, g).octet, g)):
                yield from self._group_hosts(site_name, site, group_name)

    def _group_hosts(self, site_name: str, site: Site, group_name: str) -> Iterator[Host]:
        group = group_of(self.estate, group_name)
        if group is None:
            return
        limit = self.estate.twin.at_most.get(group_name) if self.shrink else None
        duties = self.estate.roles.duties(group.roles)
        numbers = host_numbers(site_name, site, group_name, limit)
        for n, name, nic, vlan, v4, v6 in self._placed(site_name, group_name, numbers):
            yield Host(
                name, site_name, group_name, n, tuple(group.roles), vlan, v4, v6,
                self.platforms.get(name, group.platform or self.estate.platform), duties, nic,
            )  # fmt: skip

    def _placed(
        self, site: str, group: str, numbers: list[int]
    ) -> Iterator[tuple[int, str, str, Vlan, str, str]]:
        """(number, name, interface of its own, network, IPv4, IPv6) of hosts."""
        lans = self.lans
        if lans.is_derived(site):  # most are, and there may be tens of thousands
            vlan = self.vlan(site, group)
            v4, v6 = f"{vlan.first}.{vlan.site_id}.{vlan.octet}.", f"fd00:{vlan.site_id:x}:{vlan.octet:x}::"
            for n in numbers:
                yield n, f"{site}-{group}-{n}", "", vlan, f"{v4}{9 + n}", f"{v6}{9 + n:x}"
            return
        for n in numbers:
            name, said = lans.machine(site, group, n) or (f"{site}-{group}-{n}", None)
            own = {f: lans.address(site, group, n, f) or NO_ADDRESS[f] for f in FAMILIES}
            nic = (said.interface or "") if said else ""
            yield n, name, nic, lans.place(site, group, n), own[4], own[6]

    def vlan(self, site_name: str, group_name: str) -> Vlan:
        """The network of a group, its first where it has several."""
        return self.lans.of(site_name, group_name)[0]

    def address(self, site: str, group: str, number: int, family: Family) -> str | None:
        """Of a host by its number, whether there is one or not: as stated, otherwise as derived; None where neither is."""
        return self.lans.address(site, group, number, family)

    def vlans(self, site: str) -> tuple[Vlan, ...]:
        """Every network of a site: the derived ones by octet, then the stated ones by name."""
        return self.lans.at(site)

    def in_network(self, router: Host, vlan: Vlan, family: Family) -> IPAddress:
        """The router's own address in a network that it leads out of."""
        found = self.lans.in_network(router.site, router.group, router.number, vlan, family)
        return ip_address(found or NO_ADDRESS[family])

    def gateway(self, site: str, vlan: Vlan, family: Family) -> IPAddress:
        """Who leads out of a network: as stated, otherwise the only router, or the VRRP address of several."""
        stated, routers = vlan.stated_gateway(family), self.routers(site)
        if stated is not None:
            return stated
        return self.in_network(routers[0], vlan, family) if len(routers) == 1 else self._ninth(vlan, family)

    def _ninth(self, vlan: Vlan, family: Family) -> IPAddress:
        found = self.lans.counted(vlan, family, addressing.GATEWAY)
        return ip_address(found or NO_ADDRESS[family])

    def moving_gateways(self, site: str) -> Iterator[tuple[Vlan, Family, IPAddress]]:
        """The gateways that VRRP moves; one that is the only router's own stays where it is."""
        for vlan in self.vlans(site):
            for family in FAMILIES:
                address = vlan.stated_gateway(family) or self._ninth(vlan, family)
                if all(self.in_network(router, vlan, family) != address for router in self.routers(site)):
                    yield vlan, family, address

    def anchor(self, site: str, family: Family) -> IPAddress:
        """The address that every healthy proxy of a site announces to its routers."""
        declared = self.estate.sites[site]
        stated = next((each for each in declared.anchor if each.version == family), None)
        return stated or addressing.anchor(family, declared.id, self.first)

    def private(self, site: str, family: Family) -> list[str]:
        """What is private of a site, as the other sites learn it."""
        return list(self.lans.private(site, family))

    def says_networks(self, site: str) -> bool:
        """Does the file say anything of the site's networks and hosts, or have to?"""
        declared = self.estate.sites[site]
        stated = declared.networks or declared.machines or declared.anchor
        return bool(stated) or self.estate.network.plan == "stated"

    def derives(self, family: Family) -> bool:
        """Is any network derived, or any address of Trimtab's own?"""
        return any(
            not vlan.is_stated(family) for site in self.site_names() for vlan in self.vlans(site)
        ) or any(
            all(each.version != family for each in self.estate.sites[site].anchor)
            for site in self.site_names()
        )

    def path(self, family: Family, a: str, b: str) -> tuple[IPNetwork, IPAddress, IPAddress]:
        """The private path between the first routers of two sites: its network, then the addresses of a and of b."""
        for link in self.estate.links:
            ends = {s: link.end_of(s, family) for s in (a, b)} if set(link.between) == {a, b} else {}
            if (own := ends.get(a)) is not None and (other := ends.get(b)) is not None:
                return own.network, own.ip, other.ip
        return addressing.private_link(family, self.estate.sites[a].id, self.estate.sites[b].id)

    @cached_property
    def stated_networks(self) -> tuple[IPNetwork, ...]:
        """Of all sites, each once."""
        found = {
            vlan.network(f): None
            for site in self.site_names()
            for vlan in self.vlans(site)
            for f in FAMILIES
            if vlan.is_stated(f)
        }
        return tuple(found)

    def interfaces(self, host: Host) -> set[str]:
        """In the site's own networks."""
        every = {vlan.interface for vlan in self.vlans(host.site)} if host.does("gateway") else set[str]()
        return every | {host.interface}

    @cached_property
    def by_name(self) -> dict[str, Host]:
        return {host.name: host for host in self.hosts}

    def at(self, site: str) -> list[Host]:
        return self._by_site[site]

    def in_group(self, site: str, group: str) -> list[Host]:
        return self._by_group.get((site, group), [])

    def with_role(self, role: str, site: str | None = None) -> list[Host]:
        return list(self._by_role.get((site, role), ()))

    def on_duty(self, duty: Duty, site: str | None = None) -> list[Host]:
        """Hosts of a site, or of all, that have it."""
        return list(self._by_duty.get((site, duty), ()))

    def site_names(self) -> list[str]:
        """Sites by id."""
        return sorted(self.estate.sites, key=lambda s: self.estate.sites[s].id)

    def asn(self, site: str) -> int:
        found = self.estate.sites[site].asn or self.estate.edge.asn
        return found or 0

    def public(self, site: str, family: Family) -> IPNetwork | None:
        """The site's own public prefix of a family: as stated, otherwise a lab range for what its upstreams carry."""
        key = (site, family)
        if key not in self._public:
            self._public[key] = self._own_prefix(site, family)
        return self._public[key]

    def _own_prefix(self, site: str, family: Family) -> IPNetwork | None:
        stated = self.estate.sites[site].public
        if stated:
            return next((p for p in stated if p.version == family), None)
        if not self.carries(site, family):
            return None
        return next(p for p in addressing.default_public(self.estate.sites[site].id) if p.version == family)

    def carries(self, site: str, family: Family) -> bool:
        """Does any upstream of the site speak the family?"""
        upstreams = self.estate.sites[site].upstreams.values()
        return any(upstream.carries(family) for upstream in upstreams)

    def anycast(self, family: Family) -> list[IPNetwork]:
        any_ = self.estate.edge.anycast
        return [p for p in any_.prefixes if p.version == family] if any_ else []

    def is_covering(self, prefix: IPNetwork) -> bool:
        """True if an anycast prefix contains a site's public prefix: it catches a lost site and gives no VIP."""
        for site in self.estate.sites:
            own = self.public(site, 4 if prefix.version == 4 else 6)
            if (
                own is not None
                and int(own.network_address) & int(prefix.netmask) == int(prefix.network_address)
                and (own.prefixlen >= prefix.prefixlen)
            ):
                return True
        return False

    def anycast_vips_prefix(self, family: Family) -> IPNetwork | None:
        return next((p for p in self.anycast(family) if not self.is_covering(p)), None)

    def announced(self, site: str, family: Family) -> list[IPNetwork]:
        """What the site's routers originate: its own prefix and the anycast ones, in a stable order."""
        if self.estate.sites[site].front == "none":
            return []
        own = self.public(site, family)
        every = ([own] if own is not None else []) + self.anycast(family)
        return sorted(set(every), key=lambda p: (int(p.network_address), p.prefixlen))

    def service_vips(self, service: Service, family: Family) -> dict[str, IPAddress]:
        """Site → the address under which that site answers for the service: as chosen, otherwise by its number. Where each
        proxy has an address of its own there is none (`estate/reached.py`).
        """
        if service.address == "none":
            return {}
        chosen = [address for address in service.chosen if address.version == family]
        if self.is_anycast(service):
            prefix = self.anycast_vips_prefix(family)
            one = chosen[0] if chosen else addressing.vip(prefix, service.vip) if prefix else None
            sites = [name for name, site in self.estate.sites.items() if site.front != "none"]
            return dict.fromkeys(sites, one) if one is not None else {}
        own = {s: self.public(s, family) for s in self.site_names()}
        return {
            s: next((a for a in chosen if a in p), addressing.vip(p, service.vip))
            for s, p in own.items()
            if p is not None and self.front(s)
        }

    def is_anycast(self, service: Service) -> bool:
        """Has it one address for all sites?"""
        return service.address == "anycast" or any(
            self.owner(address) is None and any(address in p for f in FAMILIES for p in self.anycast(f))
            for address in service.chosen
        )

    def is_by_site(self, service: Service) -> bool:
        """Has each site a public address of its own for it?"""
        return service.address != "none" and not self.is_anycast(service)

    def owner(self, address: IPAddress) -> str | None:
        """The site in whose public prefix an address lies."""
        families = (f for f in FAMILIES if f == address.version)
        return next(
            (s for f in families for s in self.site_names() if (p := self.public(s, f)) and address in p),
            None,
        )

    def internal_vips(self, site: str, family: Family) -> list[IPAddress]:
        """Addresses of services that the site's proxies hold for its own networks alone."""
        front = self.front(site)
        net = front[0].vlan.network(family) if front else None
        return [a for a in self._internal if net is not None and a in net]

    @cached_property
    def _internal(self) -> list[IPAddress]:
        return sorted({a for service in self.estate.services.values() for a in service.internal}, key=int)

    def held(self, site: str, family: Family) -> list[IPAddress]:
        """Every address that VRRP moves between the site's proxies."""
        return [*self.vips(family), *self.internal_vips(site, family)]

    def vips(self, family: Family) -> list[IPAddress]:
        """Every VIP of the estate. All sites carry all of them, so that a covering prefix finds somebody at home."""
        found = {
            a
            for service in self.estate.services.values()
            for a in self.service_vips(service, family).values()
        }
        return sorted(found, key=int)

    def front(self, site: str) -> list[Host]:
        """The hosts that hold the VIPs of a site."""
        return self.on_duty("vips", site)

    def routers(self, site: str) -> list[Host]:
        return self.on_duty("gateway", site)
