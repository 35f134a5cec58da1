"""Faults of networks that are stated: what overlaps, gateways that lead nowhere, what nothing is said of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from trimtab.estate.addressing import FAMILIES, GATEWAY, Family, Vlan
from trimtab.estate.base import IPAddress, IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import NO_ADDRESS, Inventory
from trimtab.estate.lans import family
from trimtab.estate.machine_faults import usable
from trimtab.estate.peering import apiece, link_networks
from trimtab.estate.prefix_faults import Problem, overlap
from trimtab.estate.special import within

LEAST = {4: 8, 6: 16}  # nobody's hosts have a shorter prefix
OURS = re.compile(r"lo|(up|site)\d+")  # what routers call their other interfaces in the twin


def lan_faults(inventory: Inventory) -> Iterator[Problem]:
    """(where, message, hint) of every stated network that cannot be."""
    for site in filter(inventory.says_networks, inventory.site_names()):
        yield from _networks(inventory, site)
        yield from _together(inventory, site)
        yield from _anchor(inventory, site)
    if inventory.stated_networks:
        yield from _overlaps(inventory)
    yield from _ends(inventory)


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
    for name, upstream in declared.upstreams.items():
        if upstream.interface is not None and upstream.interface in seen:
            what = f"`{upstream.interface}` is the interface of `{seen[upstream.interface]}`"
            yield ("sites", site, "upstreams", name, "interface"), what, "each network has its own"
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
        else:
            yield from _uncounted(site, name, inventory)


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


def _uncounted(site: str, name: str, inventory: Inventory) -> Iterator[Problem]:
    """A small network has no ninth address, which is the gateway but for the only router."""
    vlan = next((v for v in inventory.vlans(site) if v.stated and v.name == name), None)
    for version in FAMILIES if vlan and len(inventory.routers(site)) != 1 else ():
        if (
            vlan
            and not vlan.stated_gateway(version)
            and str(inventory.gateway(site, vlan, version)) in NO_ADDRESS.values()
        ):
            at: Loc = ("sites", site, "networks", name)
            yield (
                at,
                f"the gateway would be number {GATEWAY} of {vlan.network(version)}, which is too small",
                "add it to `gateway`",
            )


def _together(inventory: Inventory, site: str) -> Iterator[Problem]:
    """VRRP moves addresses inside one network."""
    front = [] if apiece(inventory, site) else inventory.front(site)
    for hosts, what in ((front, "proxies"), (inventory.routers(site), "routers")):
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A network and whose it is. at: where a stated one is written, None for any other.  home: the site in whose public
    prefix its networks may lie.
    """

    net: IPNetwork
    what: str
    at: Loc | None = None
    home: str = ""


def _overlaps(inventory: Inventory) -> Iterator[Problem]:
    """Of stated networks with each other and with all else that the estate has. Of two that overlap one lies in the other."""
    for version in FAMILIES:
        around: list[_Place] = []
        for place in sorted(
            _places(inventory, version), key=lambda p: (p.net.network_address, p.net.prefixlen)
        ):
            around = [each for each in around if overlap(each.net, place.net)]
            for each in around:
                said, other = (place, each) if place.at else (each, place)
                inside = other.at is None and other.home and said.home == other.home  # its own site's prefix
                if said.at and not inside:
                    yield said.at, f"{said.net} overlaps {other.net}, {other.what}", "one of the two is wrong"
            around.append(place)


def _places(inventory: Inventory, version: Family) -> Iterator[_Place]:
    for site in inventory.site_names():
        public = inventory.public(site, version)
        if public is not None:
            yield _Place(public, f"{site}'s public prefix", home=site)
        for vlan in inventory.vlans(site):
            yield _vlan(site, vlan, version, public)
        for upstream in inventory.estate.sites[site].upstreams.values():
            nets = {net for net in link_networks(inventory, site, upstream) if net.version == version}
            yield from (_Place(net, f"{site}'s link to an upstream") for net in nets)
    for a, b in combinations(inventory.site_names(), 2):
        what = f"the path between {a} and {b} (`links` takes its `ends`)"
        yield _Place(inventory.path(version, a, b)[0], what)
    for prefix in inventory.anycast(version):
        if not inventory.is_covering(prefix):
            yield _Place(prefix, "an anycast prefix")


def _vlan(site: str, vlan: Vlan, version: Family, public: IPNetwork | None) -> _Place:
    net, at = vlan.network(version), ("sites", site, "networks", vlan.name)
    home = site if public is not None and within(net, public) else ""
    if vlan.is_stated(version):
        return _Place(net, f"{site}'s `{vlan.name}`", (*at, "prefixes"), home)
    unsaid = ", for which nothing is stated" if vlan.stated else ""
    return _Place(net, f"{site}'s `{vlan.name}`{unsaid}", at if vlan.stated else None)


def _ends(inventory: Inventory) -> Iterator[Problem]:
    """Paths that are stated: nobody else has their networks."""
    nets: dict[IPNetwork, int] = {}
    for i, link in enumerate(inventory.estate.links):
        for site, own in link.ends.items():
            for n, end in enumerate(own):
                other = next((net for net in nets if overlap(net, end.network) and nets[net] != i), None)
                if other is not None:
                    loc: Loc = ("links", i, "ends", site, n)
                    yield (
                        loc,
                        f"{end.network} overlaps {other}, another path's",
                        "each path has a network of its own",
                    )
                if not usable(end.ip, end.network):
                    yield (
                        ("links", i, "ends", site, n),
                        f"{end.ip} is no host's in {end.network}",
                        "another address",
                    )
                nets.setdefault(end.network, i)
