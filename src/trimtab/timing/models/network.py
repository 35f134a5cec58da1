"""One upstream, or the paths between sites, fail while the sites themselves are well."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece
from trimtab.estate.upstream import Upstream
from trimtab.timing import bgp, etcd
from trimtab.timing.client import SERVES_ON, if_hit, orders
from trimtab.timing.interval import FOR_EVER
from trimtab.timing.layout import World, announcing, every_site, first_store, quorum, serving, upstreams
from trimtab.timing.models.base import READS, WRITES, Figures, Model, both
from trimtab.timing.models.site import leaves
from trimtab.timing.parts import Part, Term, after, last_of

MAJORITY, MINORITY = "write_majority_s", "write_minority_s"
CUT_OFF_SIDE = Term(
    "etcd",
    "on this side of the cut too few members are left: writes are refused until it is mended",
    FOR_EVER,
    "Ongaro 2014, 3.6: a majority",
    "repair",
)


def session_drop(inventory: Inventory, world: World) -> Figures:
    """The packets of clients pass all the time; the route moves to the site's other upstream, or away from it."""

    def of(site: str) -> Part:
        detection = bgp.neighbour(inventory, first_upstream(inventory, site), world)
        if len(upstreams(inventory, site)) > 1:
            return if_hit(after(detection, bgp.moves(inventory, world)))
        return if_hit(leaves(inventory, detection, world))

    reads = every_site(inventory, of, announcing(inventory))
    return both(reads, orders(reads))


def transit_loss(inventory: Inventory, world: World) -> Figures:
    """Sites, clients' networks and other transits all miss it; the slowest that matters decides."""

    def of(site: str) -> Part:
        noticed = bgp.neighbour(inventory, first_upstream(inventory, site), world)
        parts = [noticed, bgp.silence(inventory) if world == "twin" else bgp.OTHERS_NOTICE]
        detection = last_of(*parts, label="its neighbours notice")
        if len(upstreams(inventory, site)) > 1:
            return after(detection, bgp.moves(inventory, world))
        return leaves(inventory, detection, world)

    reads = every_site(inventory, of, announcing(inventory))
    return both(reads, orders(reads))


def first_upstream(inventory: Inventory, site: str) -> Upstream:
    """The one that a drill takes when none is named."""
    return upstreams(inventory, site)[0]


def partition(inventory: Inventory, world: World) -> Figures:
    """Every site serves its readers; writes go on where a majority of the store's members is."""
    members = first_store(inventory)
    if not members:
        return both(SERVES_ON, SERVES_ON)
    inside = every_site(inventory, lambda site: _side(inventory, site, own=True))
    outside = every_site(inventory, lambda site: _side(inventory, site, own=False))
    sides = sorted((inside, outside), key=lambda part: part.time.high)
    writes = {MAJORITY: sides[0], MINORITY: sides[1]}
    return {READS: SERVES_ON, WRITES: last_of(*writes.values(), label="the two sides of the cut"), **writes}


def _side(inventory: Inventory, site: str, *, own: bool) -> Part:
    """own: the cut-off site, otherwise all the others."""
    members = first_store(inventory)
    here = sum((member.site == site) is own for member in members)
    if here < quorum(members):
        return CUT_OFF_SIDE
    return orders(etcd.after_loss(inventory, len(members) - here))


def _has_upstreams(inventory: Inventory) -> bool:
    sites = [site for site in serving(inventory) if not apiece(inventory, site)]
    return bool(inventory.estate.services and sites) and all(upstreams(inventory, s) for s in sites)


def refused(inventory: Inventory, world: World) -> Figures:
    """What somebody says who may not is not taken, and what nobody says any more is not missed."""
    return both(SERVES_ON, SERVES_ON)


def black_holed(inventory: Inventory, world: World) -> Figures:
    """Reads to the given-up address fail for as long as somebody asked for, so only writes are foretold: they go elsewhere."""
    return {WRITES: SERVES_ON}


def one_family(inventory: Inventory, world: World) -> Figures:
    """Clients of one family lose the site; all of its upstreams have to miss it, and nothing comes back."""
    reads = every_site(
        inventory,
        lambda site: leaves(inventory, _all_miss_it(inventory, site, world), world),
        announcing(inventory),
    )
    return both(reads, orders(reads))


def _all_miss_it(inventory: Inventory, site: str, world: World) -> Part:
    return last_of(
        *(bgp.neighbour(inventory, up, world) for up in upstreams(inventory, site)), label="its upstreams"
    )


def _at_exchange(inventory: Inventory) -> bool:
    every = (up for site in inventory.site_names() for up in upstreams(inventory, site))
    return _has_upstreams(inventory) and any(up.role == "route-server" for up in every)


def _meets_two(inventory: Inventory) -> bool:
    return _has_upstreams(inventory) and any(len(upstreams(inventory, s)) > 1 for s in announcing(inventory))


def _asks_validators(inventory: Inventory) -> bool:
    stated = inventory.estate.edge.rpki
    return _has_upstreams(inventory) and stated is not None and bool(stated.validators)


def _takes_black_holes(inventory: Inventory) -> bool:
    every = (up for site in serving(inventory) for up in upstreams(inventory, site))
    return _has_upstreams(inventory) and any(up.blackhole is not None for up in every)


def _has_paths(inventory: Inventory) -> bool:
    return bool(inventory.estate.services and serving(inventory)) and len(inventory.estate.sites) > 1


MODELS = (
    Model("transit-loss", "one upstream network loses power", _has_upstreams, transit_loss),
    Model(
        "bgp-session-drop", "BGP and BFD between a site and one upstream are lost, the cable is whole",
        _has_upstreams, session_drop,
    ),
    Model("ipv6-only-failure", "IPv6 fails on all of a site's ways to the Internet", _has_upstreams, one_family),
    Model("route-flap", "the link to an upstream comes and goes: each time", _has_upstreams, transit_loss),
    Model("route-server-loss", "the route servers of an exchange, whose packets they never see", _at_exchange, refused),
    Model("leak", "an upstream tells what is not its to tell", _meets_two, refused),
    Model("blackhole", "one address is dropped by request: requests to others", _takes_black_holes, black_holed),
    Model("blackhole-unattended", "the same, without agents and store", _takes_black_holes, black_holed),
    Model("hijack", "an upstream announces what is not its own", _asks_validators, refused),
    Model("validators-empty", "every RPKI validator loses its data", _asks_validators, refused),
    Model("site-partition", "a site's private paths to all others are cut, its clients' are not", _has_paths, partition),
)  # fmt: skip
