"""Faults of the addresses of services: outside every prefix, another's, or shared by services that cannot share one."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.estate.addressing import CARRIER, FAMILIES, GATEWAY, Family
from trimtab.estate.base import IPAddress
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.lans import family
from trimtab.estate.machine_faults import usable
from trimtab.estate.peering import apiece, by_vrrp
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.service import Service
from trimtab.estate.vips import shared


def vip_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every address of a service that cannot be."""
    services = inventory.estate.services.values()
    stated = inventory.stated_networks or any(service.chosen or service.internal for service in services)
    taken = {site: dict(_taken(inventory, site)) for site in inventory.site_names()} if stated else {}
    for name, service in inventory.estate.services.items():
        yield from _chosen(inventory, name, service)
        yield from _internal(inventory, name, service, taken)
        if taken:
            yield from _of_hosts(inventory, name, service, taken)
    yield from _shared(inventory)


def _chosen(inventory: Inventory, name: str, service: Service) -> Iterator[Problem]:
    seen: dict[tuple[str, int], IPAddress] = {}
    anycast = inventory.is_anycast(service)
    for i, address in enumerate(service.chosen):
        loc: Loc = ("services", name, "address", i)
        owner, version = inventory.owner(address), family(address)
        prefix = next((p for p in inventory.anycast(version) if address in p), None)
        if owner is None and prefix is None:
            yield loc, f"{address} is in no public prefix of the estate", _prefixes(inventory, version)
        elif owner is not None and anycast:
            hint = "either one address for all sites, or one in each site's own prefix"
            yield loc, f"{address} is {owner}'s, another one is in an anycast prefix", hint
        elif owner is not None and not inventory.front(owner):
            yield (
                loc,
                f"{owner} has no proxies that could hold {address}",
                "an address of a site with proxies",
            )
        key = ("" if anycast else owner or "", address.version)
        if key in seen:
            yield loc, f"{seen[key]} is its address there already", "one a family and site"
        seen[key] = address


def _prefixes(inventory: Inventory, version: Family) -> str:
    own = [p for site in inventory.site_names() if (p := inventory.public(site, version)) is not None]
    known = ", ".join(map(str, dict.fromkeys([*own, *inventory.anycast(version)])))
    return f"there is {known or f'none of IPv{version}'}; one in a private network is `internal`"


def _internal(
    inventory: Inventory, name: str, service: Service, taken: dict[str, dict[str, str]]
) -> Iterator[Problem]:
    every = {site: found[0].vlan for site in inventory.site_names() if (found := inventory.front(site))}
    fronts = {site: vlan for site, vlan in every.items() if by_vrrp(inventory, site)}
    seen: dict[tuple[str, int], IPAddress] = {}
    for i, address in enumerate(service.internal):
        loc, version = ("services", name, "internal", i), family(address)
        site = next((s for s, vlan in fronts.items() if address in vlan.network(version)), None)
        unmoved = next(
            (s for s, vlan in every.items() if s not in fronts and address in vlan.network(version)), None
        )
        if unmoved is not None:
            front = inventory.estate.sites[unmoved].front
            hint = "where it has to be reached from inside, its public address will do: nobody else can take this one over"
            yield loc, f"VRRP would move {address}, and {unmoved} has none (`front: {front}`)", hint
            continue
        if site is None:
            nets = ", ".join(f"{vlan.network(version)} ({s})" for s, vlan in fronts.items())
            yield (
                loc,
                f"{address} is in no network of proxies",
                f"VRRP moves it there: {nets or 'there are none'}",
            )
            continue
        vlan = fronts[site]
        net, number = vlan.network(version), int(address) - int(vlan.network(version).network_address)
        if not usable(address, net) or (
            not vlan.is_stated(version) and number in (*range(GATEWAY + 1), CARRIER)
        ):
            yield loc, f"{address} is the network's own, a router's or a gateway's", "another one"
        if (site, address.version) in seen:
            yield loc, f"{seen[site, address.version]} is its address there already", "one a family and site"
        seen[site, address.version] = address


def _of_hosts(
    inventory: Inventory, name: str, service: Service, taken: dict[str, dict[str, str]]
) -> Iterator[Problem]:
    """A VIP that a host has, or that the hosts of a network would look for among themselves."""
    found = [
        *(
            (a, ("services", name))
            for f in FAMILIES
            for a in dict.fromkeys(inventory.service_vips(service, f).values())
        ),
        *((a, ("services", name, "internal")) for a in service.internal),
    ]
    for address, loc in found:
        for site, owners in taken.items():
            if str(address) in owners:
                yield loc, f"its address {address} is that of {owners[str(address)]}", "choose another one"
            elif len(loc) == 2:
                yield from _looked_for(inventory, site, address, loc)


def _looked_for(inventory: Inventory, site: str, address: IPAddress, loc: Loc) -> Iterator[Problem]:
    front, version = inventory.front(site), family(address)
    for vlan in inventory.vlans(site):
        if (
            vlan.is_stated(version)
            and address in vlan.network(version)
            and (not front or vlan != front[0].vlan)
        ):
            hint = "its hosts would look for it among themselves: `address` takes another one"
            yield (
                loc,
                f"its address {address} is in {site}'s network `{vlan.name}`, where no proxy stands",
                hint,
            )


def _taken(inventory: Inventory, site: str) -> Iterator[tuple[str, str]]:
    """(address, whose) of all that a site has, with the hosts that it makes room for."""
    for group, count in inventory.estate.sites[site].hosts.items():
        for number in range(1, count.high + 1):
            for version in FAMILIES:
                if (found := inventory.address(site, group, number, version)) is not None:
                    yield found, f"{site}-{group}-{number}"
    for host in inventory.at(site):
        yield from ((host.address(version), host.name) for version in FAMILIES)
    for vlan in inventory.vlans(site):
        for version in FAMILIES:
            for router in inventory.routers(site):
                yield str(inventory.in_network(router, vlan, version)), router.name
            if inventory.routers(site):
                yield str(inventory.gateway(site, vlan, version)), f"`{vlan.name}`'s gateway"
    yield from ((str(inventory.anchor(site, version)), f"{site}'s anchor") for version in FAMILIES)


def _shared(inventory: Inventory) -> Iterator[Problem]:
    """Services with an address in common have one listener, and are asked for by their names on all of its addresses."""
    for key, entries in shared(inventory).items():
        weakest = min(service.tls.min for _, service in entries)
        public = next((name for name, service in entries if service.address != "none"), None)
        for name, service in entries:
            if service.tls.min != weakest:
                own = next((site for site in inventory.site_names() if apiece(inventory, site)), None)
                way = (
                    ", or another `vip`"
                    if own is None
                    else f"; at {own} all are on the proxies' own addresses (`front: none`)"
                )
                yield (
                    ("services", name, "tls", "min"),
                    f"services on VIP {key} differ in `tls.min`",
                    f"the version is agreed before the name is known: same `min`{way}",
                )
            if public and service.address == "none":
                yield (
                    ("services", name, "internal"),
                    f"it would have a listener with `{public}`, which is public: clients could ask for its names there",
                    "an internal address that no public service has",
                )
