"""What the arithmetic asks of an estate: who serves, who could take over, how far clients are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

from trimtab.daemons.etcd.config import link_rtt, store_members
from trimtab.daemons.serving import Serving
from trimtab.daemons.table import table
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.base import IPNetwork
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece
from trimtab.estate.place import distance_km, round_trip
from trimtab.estate.service import Service
from trimtab.estate.upstream import Upstream
from trimtab.timing.parts import Part, one_of

# twin: what a drill can measure.  internet: the same estate with the real one around it.
World = Literal["twin", "internet"]
WORLDS: tuple[World, ...] = ("twin", "internet")


def serving(inventory: Inventory) -> list[str]:
    """Sites that answer clients: they have a proxy. With upstreams they are also seen from outside."""
    return [site for site in inventory.site_names() if inventory.front(site)]


def engine(inventory: Inventory) -> Serving:
    """What the engine of the proxies says of itself."""
    return table().engine(inventory.estate.tiers.proxy.engine)


def has_other_site(inventory: Inventory) -> bool:
    """Could another site take the clients of a lost one over?"""
    return len([s for s in serving(inventory) if seen(inventory, s)]) > 1


def seen(inventory: Inventory, site: str) -> bool:
    """Do clients outside reach it: by its upstreams, or at its proxies' own addresses?"""
    return bool(inventory.estate.sites[site].upstreams) or apiece(inventory, site)


def announcing(inventory: Inventory) -> list[str]:
    """Serving sites that have upstreams."""
    return [site for site in serving(inventory) if inventory.estate.sites[site].upstreams]


def every_site(inventory: Inventory, build: Callable[[str], Part], among: Sequence[str] = ()) -> Part:
    """What `build` gives for each serving site, or each of `among`, as alternatives: a fault may hit any of them."""
    sites = among or serving(inventory) or inventory.site_names()
    return one_of(*(build(site) for site in sites), label="by the site that is hit")


def upstreams(inventory: Inventory, site: str) -> list[Upstream]:
    """In the order of their names, in which drills choose them."""
    return [upstream for _, upstream in sorted(inventory.estate.sites[site].upstreams.items())]


def uncovered(inventory: Inventory) -> list[tuple[str, Service]]:
    """Services that BGP does not lead to another site: their addresses die with theirs."""
    return [
        (name, service)
        for name, service in sorted(inventory.estate.services.items())
        if inventory.is_by_site(service) and not _covered(inventory)
    ]


def _covered(inventory: Inventory) -> bool:
    """Is every public prefix inside one that all sites announce? An address that a cloud announces never is."""
    if any(apiece(inventory, site) for site in serving(inventory)):
        return False
    for family in FAMILIES:
        own = [p for s in serving(inventory) if (p := inventory.public(s, family)) is not None]
        if any(not any(_contains(a, p) for a in inventory.anycast(family)) for p in own):
            return False
    return True


def _contains(outer: IPNetwork, inner: IPNetwork) -> bool:
    shift = outer.max_prefixlen - outer.prefixlen
    same = int(outer.network_address) >> shift == int(inner.network_address) >> shift
    return outer.version == inner.version and outer.prefixlen <= inner.prefixlen and same


def client_delays(inventory: Inventory) -> dict[str, list[float]]:
    """Seconds one way from each region to its nearest serving site, by that site."""
    estate = inventory.estate
    sites = serving(inventory)
    if not sites:
        return {}
    home = estate.sites[inventory.site_names()[0]].at
    places = {name: region.at or home for name, region in estate.regions.items()}
    places.setdefault("default", home)
    found: dict[str, list[float]] = {}
    for at in places.values():
        nearest = min(sites, key=lambda s: distance_km(estate.sites[s].at, at))
        found.setdefault(nearest, []).append(round_trip(estate.sites[nearest].at, at) / 2)
    return found


def furthest_client(inventory: Inventory) -> float:
    """Seconds there and back between the most distant region and its nearest site."""
    return max((2 * d for delays in client_delays(inventory).values() for d in delays), default=0.0)


def uplink_delay(inventory: Inventory) -> float:
    """Seconds one way on the longest uplink. An AS that serves several sites stands at the first of them."""
    at: dict[int, tuple[float, float]] = {}
    longest = 0.0
    for name in inventory.site_names():
        site = inventory.estate.sites[name]
        for upstream in site.upstreams.values():
            place = at.setdefault(upstream.asn, site.at)
            longest = max(longest, round_trip(place, site.at) / 2)
    return longest


def first_store(inventory: Inventory) -> list[Host]:
    """Members of the first store by name, the one that a drill writes to; none without a store."""
    for name in sorted(inventory.estate.stores):
        return store_members(inventory, name)
    return []


def quorum(members: list[Host]) -> int:
    return len(members) // 2 + 1


def round_trips(inventory: Inventory, members: list[Host]) -> tuple[float, float]:
    """(shortest, longest) round trip in seconds between the sites of a store's members."""
    sites = sorted({member.site for member in members})
    found = [link_rtt(inventory, a, b) for a, b in combinations(sites, 2)] or [0.0]
    return min(found), max(found)
