"""Every host of an estate and the networks it stands in, derived once and looked up often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from trimtab.estate import addressing
from trimtab.estate.addressing import Family, Vlan
from trimtab.estate.base import IPAddress, IPNetwork
from trimtab.estate.estate import Estate
from trimtab.estate.group import Group
from trimtab.estate.platform import Platform
from trimtab.estate.roles import Duty
from trimtab.estate.service import Service
from trimtab.estate.site import Site


@dataclass(frozen=True, slots=True)
class Host:
    """One machine. `number` is its N in SITE-GROUP-N; the name is never parsed back. platform: None where nothing says it."""

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

    def does(self, *duties: Duty) -> bool:
        """Any of them."""
        return not self.duties.isdisjoint(duties)

    def address(self, family: Family) -> str:
        return self.v4 if family == 4 else self.v6


def group_of(estate: Estate, name: str) -> Group | None:
    """The group's entry; for a group named after a role, a Group with id 0 is made up."""
    found = estate.groups.get(name)
    if found is not None:
        return found
    if name in estate.roles.known:
        return Group.model_construct(id=0, roles=(name,), platform=None)
    return None


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
        vlan = self.vlan(site_name, group_name)
        v4, v6 = f"{self.first}.{site.id}.{vlan.octet}.", f"fd00:{site.id:x}:{vlan.octet:x}::"
        limit = self.estate.twin.at_most.get(group_name) if self.shrink else None
        duties = self.estate.roles.duties(group.roles)
        for n in host_numbers(site_name, site, group_name, limit):
            name = f"{site_name}-{group_name}-{n}"
            own = site.addresses.get(name)
            yield Host(
                name, site_name, group_name, n, tuple(group.roles), vlan,
                str(own) if own is not None and own.version == 4 else f"{v4}{9 + n}",
                str(own) if own is not None and own.version == 6 else f"{v6}{9 + n:x}",
                self.platforms.get(name, group.platform or self.estate.platform), duties,
            )  # fmt: skip

    def vlan(self, site_name: str, group_name: str) -> Vlan:
        group = group_of(self.estate, group_name)
        number = addressing.octet(self.estate.roles.known[group.roles[0]].number, group.id) if group else 255
        return Vlan(self.estate.sites[site_name].id, number, group_name, self.first)

    def address(self, site: str, group: str, number: int, family: Family) -> str:
        """Of a host by its number, whether there is one or not: as stated, otherwise as derived."""
        own = self.estate.sites[site].addresses.get(f"{site}-{group}-{number}")
        stated = own is not None and own.version == family
        return str(own if stated else self.vlan(site, group).host(family, 9 + number))

    def vlans(self, site: str) -> tuple[Vlan, ...]:
        """Every network of a site, by octet."""
        return tuple(
            sorted((self.vlan(site, g) for g in self.estate.sites[site].hosts), key=lambda v: v.octet)
        )

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
        own = self.public(site, family)
        every = ([own] if own is not None else []) + self.anycast(family)
        return sorted(set(every), key=lambda p: (int(p.network_address), p.prefixlen))

    def service_vips(self, service: Service, family: Family) -> dict[str, IPAddress]:
        """Site → the address under which that site answers for the service."""
        if service.address == "anycast":
            prefix = self.anycast_vips_prefix(family)
            return {s: addressing.vip(prefix, service.vip) for s in self.estate.sites} if prefix else {}
        own = {s: self.public(s, family) for s in self.site_names()}
        return {s: addressing.vip(p, service.vip) for s, p in own.items() if p is not None and self.front(s)}

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
