"""Faults of networks that are stated: what overlaps, gateways that lead nowhere, what nothing is said of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from trimtab.estate import addressing
from trimtab.estate.addressing import FAMILIES, Family, Vlan
from trimtab.estate.base import IPAddress, IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.lans import family
from trimtab.estate.machine_faults import usable
from trimtab.estate.peering import link_networks
from trimtab.estate.prefix_faults import Problem, overlap

LEAST = {4: 8, 6: 16}  # nobody's hosts have a shorter prefix
OURS = re.compile(r"lo|(up|site)\d+")  # what routers call their other interfaces in the twin


def lan_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every stated network that cannot be."""
    for site in inventory.site_names():
        yield from _networks(inventory, site)
        yield from _together(inventory, site)
        yield from _anchor(inventory, site)
    yield from _overlaps(inventory)


def _networks(inventory: Inventory, site: str) -> Iterator[Problem]:
    declared, seen = inventory.estate.sites[site], dict[object, str]()
    for vlan in inventory.vlans(site):
        at: Loc = ("sites", site, "networks", vlan.name)
        for key in (vlan.interface, vlan.id):
            if key is not None and key in seen:
                what = "interface" if isinstance(key, str) else "VLAN"
                hint = "each network of a site has its own: `vlan: NUMBER`, `interface: NAME`"
                yield at, f"{what} {key} is that of `{seen[key]}` too", hint
                break
            seen.setdefault(key, vlan.name)
        if vlan.stated and OURS.fullmatch(vlan.interface):
            yield (
                (*at, "interface"),
                f"`{vlan.interface}` is no network's",
                "`lo`, `upN` and `siteN` are taken",
            )
    for name, lan in declared.networks.items():
        at = ("sites", site, "networks", name)
        for i, group in enumerate(lan.groups):
            if group not in declared.hosts:
                yield (
                    (*at, "groups", i),
                    f"{site} has no hosts of `{group}`",
                    f"`hosts: {{{group}: N}}`, or take it out",
                )
        for i, prefix in enumerate(lan.prefixes):
            if prefix.prefixlen < LEAST[prefix.version]:
                yield (
                    (*at, "prefixes", i),
                    f"{prefix} is longer than any network of hosts",
                    "the length of this one",
                )
        for i, gateway in enumerate(lan.gateway):
            yield from _gateway(inventory, site, lan.prefix(gateway.version), gateway, (*at, "gateway", i))
        if inventory.estate.network.plan == "stated":
            yield from _unsaid(site, name, inventory)


def _gateway(
    inventory: Inventory, site: str, net: IPNetwork | None, gateway: IPAddress, loc: Loc
) -> Iterator[Problem]:
    if net is None:
        yield (
            loc,
            f"no prefix of IPv{gateway.version} is stated here",
            "add it to `prefixes`, with its length",
        )
    elif gateway not in net:
        yield loc, f"{gateway} is not in {net}", "the address by which the network's hosts get out of it"
    elif not usable(gateway, net):
        yield loc, f"{gateway} is no host's in {net}", "an address between the first and the last one"
    routers = inventory.routers(site)
    if len(routers) > 1 and (own := _whose(inventory, site, gateway)) is not None:
        hint = f"with {len(routers)} routers VRRP moves the gateway: give {own} an address of its own"
        yield loc, f"{gateway} is {own}'s own", hint


def _whose(inventory: Inventory, site: str, address: IPAddress) -> str | None:
    return next(
        (
            router.name
            for router in inventory.routers(site)
            for vlan in inventory.vlans(site)
            if inventory.in_network(router, vlan, family(address)) == address
        ),
        None,
    )


def _unsaid(site: str, name: str, inventory: Inventory) -> Iterator[Problem]:
    """With `plan: stated` nothing of a network is made up."""
    lan, at = inventory.estate.sites[site].networks[name], ("sites", site, "networks", name)
    for version in FAMILIES:
        if lan.prefix(version) is None:
            private = "; any of fd00::/8 is nobody else's (RFC 4193)" if version == 6 else ""
            yield (
                at,
                f"no IPv{version} prefix is stated",
                f"add it to `prefixes`, or `network: {{plan: derived}}`{private}",
            )
        elif lan.gateway_of(version) is None:
            yield (
                at,
                f"no IPv{version} gateway is stated",
                "add it to `gateway`, or `network: {plan: derived}`",
            )
    if lan.vlan is None and lan.interface is None:
        yield at, "neither `vlan` nor `interface` is stated", "one of them says how hosts are connected to it"


def _together(inventory: Inventory, site: str) -> Iterator[Problem]:
    """VRRP moves addresses inside one network."""
    for hosts, what in ((inventory.front(site), "proxies"), (inventory.routers(site), "routers")):
        nets = {host.vlan.name: None for host in hosts}
        if len(nets) > 1:
            at: Loc = ("sites", site, "networks", next(reversed(nets)))
            yield (
                at,
                f"the {what} stand in {' and '.join(nets)}",
                "VRRP moves their addresses inside one network",
            )


def _anchor(inventory: Inventory, site: str) -> Iterator[Problem]:
    """It is in no network: the routers hear of it by BGP alone."""
    for i, anchor in enumerate(inventory.estate.sites[site].anchor):
        if anchor.is_multicast or anchor.is_loopback or anchor.is_link_local or anchor.is_unspecified:
            yield ("sites", site, "anchor", i), f"{anchor} cannot be announced", "an address of nobody"
    if len({a.version for a in inventory.estate.sites[site].anchor}) < len(
        inventory.estate.sites[site].anchor
    ):
        yield ("sites", site, "anchor"), "two of one family", "at most one IPv4 and one IPv6 address"
    stated = {a.version for a in inventory.estate.sites[site].anchor}
    for version in FAMILIES:
        anchor = inventory.anchor(site, version)
        for vlan in inventory.vlans(site):
            if anchor in vlan.network(version) and (version in stated or vlan.is_stated(version)):
                at: Loc = (
                    ("sites", site, "anchor") if version in stated else ("sites", site, "networks", vlan.name)
                )
                hint = "`anchor: [ADDRESS, …]` takes one that is in no network"
                yield at, f"the site's anchor {anchor} lies in {vlan.network(version)}", hint


def _overlaps(inventory: Inventory) -> Iterator[Problem]:
    """Of stated networks with each other and with all else that the estate has."""
    for version in FAMILIES:
        nets = [
            (site, vlan, vlan.network(version))
            for site in inventory.site_names()
            for vlan in inventory.vlans(site)
        ]
        for (a, first, one), (b, second, other) in combinations(nets, 2):
            if (first.stated or second.stated) and overlap(one, other):
                (whose, vlan, net), (theirs, name, out) = ((b, second, other), (a, first.name, one))
                if vlan.stated is None:
                    (whose, vlan, net), (theirs, name, out) = ((a, first, one), (b, second.name, other))
                said = "" if vlan.is_stated(version) else ", which nothing states,"
                yield (
                    _at(whose, vlan, version),
                    f"{net}{said} overlaps {out}, {theirs}'s `{name}`",
                    "one of the two is wrong",
                )
        for site, vlan, net in nets:
            if vlan.is_stated(version):
                for other, what in _others(inventory, site, version):
                    if overlap(net, other):
                        yield (
                            _at(site, vlan, version),
                            f"{net} overlaps {other}, {what}",
                            "one of the two is wrong",
                        )


def _at(site: str, vlan: Vlan, version: Family) -> Loc:
    at: Loc = ("sites", site, "networks", vlan.name)
    stated = vlan.stated
    if stated is None or not vlan.is_stated(version):
        return at
    return (*at, "prefixes")


def _others(inventory: Inventory, site: str, version: Family) -> Iterator[tuple[IPNetwork, str]]:
    """What no network of this site may touch. Inside its own public prefix a network may lie."""
    ids = {name: inventory.estate.sites[name].id for name in inventory.site_names()}
    for a, b in combinations(inventory.site_names(), 2):
        yield addressing.private_link(version, ids[a], ids[b])[0], f"the path between {a} and {b}"
    for other in inventory.site_names():
        for upstream in inventory.estate.sites[other].upstreams.values():
            yield from ((net, f"{other}'s link to an upstream") for net in link_networks(upstream))
        if other != site and (public := inventory.public(other, version)) is not None:
            yield public, f"{other}'s public prefix"
    for prefix in inventory.anycast(version):
        if not inventory.is_covering(prefix):
            yield prefix, "an anycast prefix"
