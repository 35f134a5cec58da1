"""What `show --network` tells, put together from the inventory."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.answers.show import Address, Lan, Link, NetworkPlan, Placed
from trimtab.daemons.flows import flows
from trimtab.estate.addressing import FAMILIES, Vlan
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import sessions
from trimtab.estate.reached import public_of


def network(inventory: Inventory) -> NetworkPlan:
    """Of the whole estate."""
    sites = inventory.site_names()
    return NetworkPlan(
        inventory.estate.estate,
        tuple(each for site in sites for host in inventory.at(site) for each in _placed(inventory, host)),
        tuple(_lan(inventory, site, vlan) for site in sites for vlan in inventory.vlans(site)),
        tuple(each for site in sites for each in _addresses(inventory, site)),
        tuple(each for site in sites for each in _links(inventory, site)),
        flows(inventory),
    )


def _links(inventory: Inventory, site: str) -> Iterator[Link]:
    for each in sessions(inventory, site):
        up = each.declared
        yield Link(
            site, each.host.name, each.upstream, up.asn, up.role, up.interface or "",
            str(each.local), str(each.peer), up.stated,
        )  # fmt: skip


def _placed(inventory: Inventory, host: Host) -> Iterator[Placed]:
    for vlan in inventory.vlans(host.site) if host.does("gateway") else (host.vlan,):
        own = [host.address(f) for f in FAMILIES] if vlan == host.vlan else []
        if host.does("gateway"):
            own += [str(inventory.in_network(host, vlan, f)) for f in FAMILIES]
        length = {":" in a: vlan.network(6 if ":" in a else 4).prefixlen for a in own}
        addresses = tuple(f"{a}/{length[':' in a]}" for a in dict.fromkeys(own))
        interface = host.interface if vlan == host.vlan else vlan.interface
        yield Placed(host.site, host.name, host.group, vlan.name, interface, addresses)


def _lan(inventory: Inventory, site: str, vlan: Vlan) -> Lan:
    groups = dict.fromkeys(host.group for host in inventory.at(site) if host.vlan == vlan)
    return Lan(
        site,
        vlan.name,
        vlan.id,
        vlan.interface,
        tuple(str(vlan.network(f)) for f in FAMILIES),
        tuple(str(inventory.gateway(site, vlan, f)) for f in FAMILIES if inventory.routers(site)),
        tuple(groups),
        vlan.stated is not None,
    )


def _of_proxies(inventory: Inventory, site: str) -> Iterator[Address]:
    """Public addresses that are one proxy's each."""
    for family in FAMILIES:
        for host in inventory.front(site):
            if (public := public_of(inventory, host, family)) is not None:
                services = sorted(inventory.estate.services.items())
                of = tuple(name for name, service in services if inventory.is_by_site(service))
                yield Address(site, str(public), "public", of, host.address(family))


def _addresses(inventory: Inventory, site: str) -> Iterator[Address]:
    services = sorted(inventory.estate.services.items())
    yield from _of_proxies(inventory, site)
    for family in FAMILIES if inventory.front(site) else ():
        own = {name: inventory.service_vips(service, family).get(site) for name, service in services}
        for address in sorted({a for a in own.values() if a is not None}, key=int):
            yield Address(site, str(address), "public", tuple(n for n, a in own.items() if a == address))
        for address in inventory.internal_vips(site, family):
            of = tuple(name for name, service in services if address in service.internal)
            yield Address(site, str(address), "internal", of)
    for vlan, _, address in inventory.moving_gateways(site):
        yield Address(site, str(address), "gateway", (vlan.name,))
    if inventory.front(site):
        yield from (Address(site, str(inventory.anchor(site, f)), "anchor", ()) for f in FAMILIES)
