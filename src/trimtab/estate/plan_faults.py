"""Faults that no single value has: an address plan that cannot be, numbers used twice, names that collide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, MAX_HOSTS_A_GROUP, MAX_ROUTERS, Family
from trimtab.estate.apiece_faults import apiece_faults
from trimtab.estate.estate import Estate
from trimtab.estate.fault import Loc
from trimtab.estate.group import Group
from trimtab.estate.inventory import NO_ADDRESS, Inventory, host_numbers
from trimtab.estate.lan_faults import lan_faults
from trimtab.estate.lans import group_of
from trimtab.estate.machine_faults import machine_faults, usable
from trimtab.estate.path_faults import path_faults
from trimtab.estate.pool_faults import pool_faults
from trimtab.estate.prefix_faults import Problem, prefix_faults
from trimtab.estate.roles import Duty, Roles
from trimtab.estate.uplink_faults import uplink_faults
from trimtab.estate.vip_faults import vip_faults

# Duties that one host cannot have together yet, and why.
TOGETHER: tuple[tuple[Duty, Duty, str], ...] = (("registry", "store", "both are an etcd on the same ports"),)


def plan_faults(estate: Estate) -> list[Problem]:
    """(where, message, hint) of everything wrong between the parts of a valid estate."""
    found = [*_numbers(estate), *_groups(estate)]
    crowded = [*_too_many(estate)]
    if crowded:
        return found + crowded  # so many hosts are not expanded
    found += [
        *_host_names(estate),
        *_sites(estate),
        *pool_faults(estate),
        *_services(estate),
        *_names(estate),
        *_twice(estate),
    ]
    if not any(loc[-1] == "id" for loc, _, _ in found):  # addresses of equal ids are equal: one fault says it
        inventory = Inventory(estate)
        found += [
            *_addresses(inventory),
            *lan_faults(inventory),
            *machine_faults(inventory),
            *vip_faults(inventory),
            *uplink_faults(inventory),
            *prefix_faults(inventory),
            *path_faults(inventory),
            *apiece_faults(inventory),
        ]
    return found


def _numbers(estate: Estate) -> Iterator[Problem]:
    seen: dict[int, str] = {}
    for name, site in estate.sites.items():
        if site.id in seen:
            yield (
                ("sites", name, "id"),
                f"id {site.id} is `{seen[site.id]}`'s too",
                "a site's id is its own for ever",
            )
        seen.setdefault(site.id, name)
    numbers: dict[tuple[str, int], str] = {}
    for name, group in estate.groups.items():
        yield from _role_numbers(name, group, estate.roles)
        key = (group.roles[0], group.id)
        if key in numbers:
            hint = "groups with the same first role need different ids"
            yield ("groups", name, "id"), f"id {group.id} is `{numbers[key]}`'s too", hint
        numbers.setdefault(key, name)


def _role_numbers(name: str, group: Group, roles: Roles) -> Iterator[Problem]:
    """0 and the role alone are for the groups named after a role, and nothing else is for them."""
    if name not in roles.known:
        if not group.id:
            hint = "1 to 15; 0 is the group's that is named after the role"
            yield ("groups", name, "id"), f"id 0 is `{group.roles[0]}`'s", hint
        return
    if group.id or group.roles != (name,):
        hint = "state only `hardware` and `platform` here, or give the group another name"
        yield ("groups", name), f"`{name}` is a role: its id is 0 and that role its only one", hint


def _too_many(estate: Estate) -> Iterator[Problem]:
    for site_name, site in estate.sites.items():
        for group, count in site.hosts.items():
            if count.high > MAX_HOSTS_A_GROUP:
                yield (
                    ("sites", site_name, "hosts", group),
                    f"{count.high} hosts in a group, the limit is {MAX_HOSTS_A_GROUP}",
                    ("split the group: a second one with its own id"),
                )


def _host_names(estate: Estate) -> Iterator[Problem]:
    seen: dict[str, tuple[str, str]] = {}
    clients = {f"clients-{region}" for region in estate.regions}
    for site_name, site in estate.sites.items():
        reserved: set[str] = set()
        for group, count in site.hosts.items():
            for n in range(1, count.high + 1):
                name = f"{site_name}-{group}-{n}"
                reserved.add(name)
                if name in clients:
                    yield (
                        ("sites", site_name, "hosts", group),
                        f"host `{name}` has the name of a region's clients in the twin",
                        "rename the site or the region",
                    )
                if name in seen and seen[name] != (site_name, group):
                    other = seen[name]
                    yield (
                        ("sites", site_name, "hosts", group),
                        f"host `{name}` is also a host of {other[0]}'s group {other[1]}",
                        ("rename the site or the group"),
                    )
                    break
                seen[name] = (site_name, group)
        for key in ("retired", "addresses"):
            for i, name in enumerate(getattr(site, key)):
                if name not in reserved:
                    loc: Loc = ("sites", site_name, key, i if key == "retired" else name)
                    yield (
                        loc,
                        f"`{name}` is not a host of {site_name}",
                        "hosts are named SITE-GROUP-N, N up to the range's end",
                    )


def _groups(estate: Estate) -> Iterator[Problem]:
    for name, group in estate.groups.items():
        for one, other, why in TOGETHER:
            having = [[r for r in group.roles if duty in estate.roles.duties((r,))] for duty in (one, other)]
            if all(having):
                yield (
                    ("groups", name, "roles"),
                    f"`{having[0][0]}` and `{having[1][0]}` on one host: {why}",
                    "two groups, one role each",
                )


def _sites(estate: Estate) -> Iterator[Problem]:
    for name, site in estate.sites.items():
        groups = [(g, group) for g in site.hosts if (group := group_of(estate, g)) is not None]
        does = [(g, estate.roles.duties(group.roles)) for g, group in groups]
        routers = sum(len(host_numbers(name, site, g)) for g, duties in does if "gateway" in duties)
        at: Loc = ("sites", name, "hosts")
        if not routers and site.front == "router":
            yield (
                at,
                "a site needs a router",
                "add `router: 1`: it is the gateway of its networks and speaks BGP; or `front: bgp`, where a "
                "top-of-rack switch is the gateway and the proxies speak BGP with it; or `front: none`, where each proxy has "
                "a public address of its own",
            )
        if routers > MAX_ROUTERS:
            yield (
                at,
                f"{routers} routers, the limit is {MAX_ROUTERS}",
                "addresses .1 to .8 of a network are the routers'",
            )
        fronts = [g for g, duties in does if "vips" in duties]
        if len(fronts) > 1:
            yield (
                at,
                f"two groups hold the VIPs: {' and '.join(fronts)}",
                "one group with the role `proxy` a site",
            )
        yield from _roles_of_the_front(name, site.front, does)
        if fronts and estate.services and not site.upstreams and site.front != "none":
            yield (
                ("sites", name),
                "proxies, but no upstream that would carry a client there",
                ("add `upstreams: {NAME: {asn: …, peer: […]}}`, or leave the proxies out"),
            )
        asn = site.asn or estate.edge.asn
        if (site.upstreams or len(estate.sites) > 1) and not asn and site.front != "none":
            yield ("sites", name), "no AS number", "set `asn` here or in `edge`"
        for upstream, declared in site.upstreams.items():
            if declared.asn == asn:
                loc: Loc = ("sites", name, "upstreams", upstream, "asn")
                yield loc, f"AS{asn} is the site's own", "an upstream is another network"
    pairs: set[frozenset[str]] = set()
    for i, link in enumerate(estate.links):
        pair = frozenset(link.between)
        if len(pair) == 1 or pair in pairs:
            yield (
                ("links", i),
                f"the link {' to '.join(link.between)} is no new one",
                "one entry for two different sites",
            )
        pairs.add(pair)


def _roles_of_the_front(
    site: str, front: str, does: Sequence[tuple[str, frozenset[Duty]]]
) -> Iterator[Problem]:
    """Who is a site's gateway, who holds its VIPs, and who of them speaks BGP with others."""
    at: Loc = ("sites", site, "hosts")
    gateways = [g for g, duties in does if "gateway" in duties]
    if len(gateways) > 1:
        what = f"two groups are gateways: {' and '.join(gateways)}"
        yield at, what, "one group with the role `router` a site: router N has .N of every network"
    if front == "router":
        return
    if not any("vips" in duties for _, duties in does):
        hint = "add `proxy: 2`, or take `front` out"
        what = (
            "no host holds VIPs, so none would announce them"
            if front == "bgp"
            else "no proxies that clients could come to"
        )
        yield ("sites", site, "front"), what, hint
    for group, duties in does:
        if front == "bgp" and "gateway" in duties and "vips" not in duties:
            yield (
                (*at, group),
                f"`front: bgp`, and `{group}` is a router that speaks with no upstream",
                "take it out: the top-of-rack switch is the gateway; or one group with both, `roles: [router, proxy]`",
            )


def _services(estate: Estate) -> Iterator[Problem]:
    without_vip = _without_anycast_vip(estate)
    silent = all(site.front == "none" for site in estate.sites.values())
    for name, service in estate.services.items():
        if service.address == "anycast" and silent:
            hint = "`address: site`: each proxy has an address of its own, and DNS picks one"
            yield ("services", name, "address"), "no site announces anything (`front: none`)", hint
        elif service.address == "anycast" and without_vip:
            yield (
                ("services", name, "address"),
                "there is no anycast prefix for a VIP",
                ("add one to edge.anycast.prefixes that contains no site's public prefix"),
            )


def _without_anycast_vip(estate: Estate) -> bool:
    """Is an anycast VIP asked for, and no prefix there that could carry one?"""
    if not any(service.address == "anycast" for service in estate.services.values()):
        return False
    inventory = Inventory(estate)
    return not any(inventory.anycast_vips_prefix(family) for family in FAMILIES)


def _names(estate: Estate) -> Iterator[Problem]:
    """Each name belongs to one service, and stands there once."""
    seen: dict[str, tuple[str, int]] = {}
    for name, service in estate.services.items():
        for i, host in enumerate(service.names):
            owner, first = seen.setdefault(host, (name, i))
            if (owner, first) == (name, i):
                continue
            loc: Loc = ("services", name, "names", i)
            if owner == name:
                yield loc, f"`{host}` stands here twice, first as `names[{first}]`", "keep one of them"
            else:
                yield loc, f"`{host}` is `{owner}`'s name too", "a name belongs to one service"


def _twice(estate: Estate) -> Iterator[Problem]:
    """Values that stand in a list twice, and promises where nobody reads them."""
    for name, pool in estate.pools.items():
        members = [(member.address, member.port) for member in pool.members or ()]
        for i in _repeated(members):
            address, port = members[i]
            where = f"members[{members.index(members[i])}]"
            yield ("pools", name, "members", i), f"{address} port {port} is `{where}` too", "keep one of them"
    prefixes = estate.edge.anycast.prefixes if estate.edge.anycast else ()
    for i in _repeated(prefixes):
        yield ("edge", "anycast", "prefixes", i), f"{prefixes[i]} stands here twice", "keep one of them"
    for name, service in estate.services.items():
        if service.objectives.survive_sites is not None:
            loc = ("services", name, "objectives", "survive_sites")
            hint = "write it in the estate's `objectives`"
            yield loc, "sites are lost for every service at once: a service cannot state this", hint


def _repeated(values: Sequence[object]) -> Iterator[int]:
    """The number of every item that an earlier one equals."""
    seen: set[object] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield i
        seen.add(value)


def _addresses(inventory: Inventory) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for host in inventory.hosts:
        site = inventory.estate.sites[host.site]
        for family in FAMILIES:
            address = host.address(family)
            own = site.addresses.get(f"{host.site}-{host.group}-{host.number}")
            key = "machines" if host.name in site.machines and own is None else "addresses"
            loc: Loc = ("sites", host.site, key, host.name)
            if address in seen and address != NO_ADDRESS[family]:
                yield loc, f"{address} is {seen[address]}'s too", "give each host its own"
            seen[address] = host.name
            if own is not None and not _fits(host.vlan, address):
                net = host.vlan.network(family)
                hint = f"take one from {net[10]} on; .1 to .9 are the routers'"
                if host.vlan.is_stated(family):
                    hint = "another one, or the prefix of the network is wrong"
                yield loc, f"{address} is not a host address of {net}", hint


def _fits(vlan: addressing.Vlan, address: str) -> bool:
    parsed = ip_address(address)
    family: Family = 4 if parsed.version == 4 else 6
    net = vlan.network(family)
    if vlan.is_stated(family):
        return parsed in net and usable(parsed, net)
    return parsed in net and 10 <= int(parsed) - int(net.network_address) < 250
