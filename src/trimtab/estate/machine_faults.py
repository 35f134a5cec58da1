"""Faults of hosts that are stated: who has no address, one outside its network, one that is another's; names that are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimtab.estate.addressing import FAMILIES, GATEWAY
from trimtab.estate.base import IPAddress, IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import NO_ADDRESS, Host, Inventory, host_numbers
from trimtab.estate.lans import family, group_of
from trimtab.estate.prefix_faults import Problem


def machine_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every host that cannot be as it is stated, or that nothing is stated of."""
    stated = [site for site in inventory.site_names() if inventory.says_networks(site)]
    for site in stated:
        for host in inventory.at(site):
            yield from _missing(inventory, host)
        yield from _twice(inventory, site)
    yield from _machines(inventory) if stated else ()


def usable(address: IPAddress, net: IPNetwork) -> bool:
    """By a host? Of IPv4 neither the network's own address nor the broadcast one, where it has them (RFC 3021)."""
    if net.version == 6 or net.prefixlen >= 31:
        return True
    return address not in (net.network_address, net.broadcast_address)


def _missing(inventory: Inventory, host: Host) -> Iterator[Problem]:
    at, stated = _line(inventory, host), inventory.estate.network.plan == "stated"
    if stated and host.vlan.stated is None:
        entry = f"{{groups: [{host.group}], vlan: N, prefixes: […], gateway: […]}}"
        hint = f"`networks: {{NAME: {entry}}}`, or `network: {{plan: derived}}`"
        yield at, f"no network of `{host.group}` is stated", hint
        return
    line = f"`machines: {{NAME: {{group: {host.group}, number: {host.number}, addresses: […]}}}}`"
    if at[2] == "machines":
        line = "add it to `addresses`"
    among = inventory.lans.of(host.site, host.group)
    if len(among) > 1 and not _says(inventory, host):
        names = " or ".join(vlan.name for vlan in among)
        yield at, f"{host.name} stands in {names}", f"its address says in which: {line}"
        return
    lacks = [f for f in FAMILIES if inventory.address(host.site, host.group, host.number, f) is None]
    nets = " and ".join(str(host.vlan.network(f)) for f in lacks if host.vlan.is_stated(f))
    if nets and stated:
        yield at, f"no address of {host.name} in {nets} is stated", f"{line}, or `network: {{plan: derived}}`"
    elif nets:
        yield at, f"{host.name} would be number {GATEWAY + host.number} of {nets}, which is too small", line
    if host.does("gateway"):
        yield from _router(inventory, host, at)


def _says(inventory: Inventory, host: Host) -> bool:
    own = inventory.lans.own_addresses(host.site, host.group, host.number)
    moved = inventory.estate.sites[host.site].addresses
    return any(a in host.vlan.network(family(a)) for a in own) or host.name in moved


def _router(inventory: Inventory, host: Host, at: Loc) -> Iterator[Problem]:
    """A router has an address in every network."""
    for vlan in inventory.vlans(host.site):
        where = (host.site, host.group, host.number, vlan)
        lacks = [f for f in FAMILIES if inventory.lans.in_network(*where, f) is None]
        nets = " and ".join(str(vlan.network(f)) for f in lacks if vlan.is_stated(f))
        if nets and vlan != host.vlan:
            hint = "a router has one in each network of its site: add it to `addresses`"
            yield at, f"{host.name} has no address in {nets}, `{vlan.name}`", hint


def _machines(inventory: Inventory) -> Iterator[Problem]:
    taken = {host.name: host.site for host in inventory.hosts}
    derived = {
        f"{site}-{group}-{n}": (site, group, n)
        for site, declared in inventory.estate.sites.items()
        for group, count in declared.hosts.items()
        for n in range(1, count.high + 1)
    }
    names: dict[str, str] = {}
    for site in inventory.site_names():
        declared, numbers = inventory.estate.sites[site], dict[tuple[str, int], str]()
        for name, machine in declared.machines.items():
            at: Loc = ("sites", site, "machines", name)
            key = (machine.group, machine.number)
            if key in numbers:
                yield (
                    (*at, "number"),
                    f"{machine.group} {machine.number} is `{numbers[key]}`",
                    "each host has one line",
                )
            numbers.setdefault(key, name)
            if name in names:
                yield (
                    at,
                    f"`{name}` is a host of {names[name]} too",
                    "a name is one host's in the whole estate",
                )
            names.setdefault(name, site)
            if derived.get(name, (site, *key)) != (site, *key):
                yield (
                    at,
                    f"`{name}` is the name of {' '.join(map(str, derived[name][1:]))} of {derived[name][0]}",
                    "another name",
                )
            if name in inventory.estate.sites or name.startswith("clients-") or re.fullmatch(r"as\d+", name):
                yield (
                    at,
                    f"`{name}` is the name of something else",
                    "sites, `clients-…` and `asN` of the twin are no hosts",
                )
            yield from _number(inventory, site, name, at)
            if taken.get(name) == site:
                yield from _addresses(inventory, inventory.by_name[name], at)


def _number(inventory: Inventory, site: str, name: str, at: Loc) -> Iterator[Problem]:
    declared = inventory.estate.sites[site]
    machine = declared.machines[name]
    if machine.group not in declared.hosts:
        hint = f"`hosts: {{{machine.group}: {machine.number}}}`"
        yield (*at, "group"), f"{site} has no hosts of `{machine.group}`", hint
    elif machine.number > declared.hosts[machine.group].high:
        count = declared.hosts[machine.group].high
        hint = f"`hosts: {{{machine.group}: {machine.number}}}` makes room for it"
        yield (*at, "number"), f"`hosts` says that {site} has {count} of `{machine.group}`", hint
    elif machine.number <= declared.hosts[machine.group].low and machine.number not in host_numbers(
        site, declared, machine.group
    ):
        yield at, f"{site}-{machine.group}-{machine.number} is retired", "take one of the two out"
    if f"{site}-{machine.group}-{machine.number}" in declared.addresses:
        yield (*at, "addresses"), "its address stands in `addresses` of the site too", "write it here alone"
    group = group_of(inventory.estate, machine.group)
    if machine.interface and group and "gateway" in inventory.estate.roles.duties(group.roles):
        yield (*at, "interface"), "a router has one in each network", "`interface` of the network"


def _addresses(inventory: Inventory, host: Host, at: Loc) -> Iterator[Problem]:
    machine = inventory.estate.sites[host.site].machines[host.name]
    among = inventory.vlans(host.site) if host.does("gateway") else inventory.lans.of(host.site, host.group)
    seen: dict[tuple[str, int], IPAddress] = {}
    for i, address in enumerate(machine.addresses):
        loc, version = (*at, "addresses", i), family(address)
        vlan = next((v for v in among if address in v.network(version)), None)
        if vlan is None:
            nets = ", ".join(str(v.network(version)) for v in among)
            yield (
                loc,
                f"{address} is in no network of `{host.group}`: {nets}",
                "another address, or `networks` has the wrong prefix",
            )
            continue
        net = vlan.network(version)
        if not usable(address, net):
            yield loc, f"{address} is no host's in {net}", "an address between the first and the last one"
        elif not vlan.is_stated(version) and not GATEWAY < int(address) - int(net.network_address) < 250:
            yield (
                loc,
                f"{address} is not a host address of {net}",
                f"take one from {net[10]} on; .1 to .9 are the routers'",
            )
        if not host.does("gateway") and vlan != host.vlan:
            yield (
                loc,
                f"{host.name} stands in {host.vlan.name}, {address} is in {vlan.name}",
                "a host stands in one network",
            )
        if (vlan.name, version) in seen:
            yield (
                loc,
                f"{seen[vlan.name, version]} of the same network is its address already",
                "one a family",
            )
        seen[vlan.name, version] = address


def _twice(inventory: Inventory, site: str) -> Iterator[Problem]:
    """Addresses of routers, gateways and hosts: each is one machine's. Hosts among themselves: `plan_faults._addresses`."""
    owners: dict[str, str] = {}
    for host in inventory.at(site):
        owners.update({host.address(f): host.name for f in FAMILIES})
    for vlan in inventory.vlans(site):
        for version in FAMILIES:
            own: dict[str, str] = {}
            for router in inventory.routers(site):
                address = str(inventory.in_network(router, vlan, version))
                other = own.get(address) or owners.get(address)
                if other not in (None, router.name) and vlan.stated and address != NO_ADDRESS[version]:
                    yield (
                        _line(inventory, router),
                        f"{address} is {other}'s too",
                        "give each host its own",
                    )
                own[address] = router.name
            gateway = str(inventory.gateway(site, vlan, version))
            if vlan.stated and gateway not in (*own, NO_ADDRESS[version]) and gateway in owners:
                loc: Loc = ("sites", site, "networks", vlan.name, "gateway")
                yield loc, f"the gateway {gateway} is {owners[gateway]}'s", "give each its own"


def _line(inventory: Inventory, host: Host) -> Loc:
    """Where a host is stated."""
    if host.name in inventory.estate.sites[host.site].machines:
        return ("sites", host.site, "machines", host.name)
    return ("sites", host.site, "hosts", host.group)
