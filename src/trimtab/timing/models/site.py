"""A whole site, or its way to the Internet, is gone: other sites take its clients."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.timing import bgp, dns, etcd
from trimtab.timing.client import if_hit, orders
from trimtab.timing.interval import FOR_EVER, Interval
from trimtab.timing.layout import World, every_site, first_store, has_other_site, quorum, serving, uncovered
from trimtab.timing.models.base import READS, WRITES, Figures, Model, both
from trimtab.timing.parts import Part, Term, after, last_of, one_of

NEXT_FAULT = Term(
    "repair",
    "the second fault comes: somebody has to hear of the first",
    Interval(0.0, 0.2),
    "the drill: power goes once the command tells of the step",
)
NO_OTHER_SITE = Term(
    "repair",
    "no other site: it lasts until repair",
    FOR_EVER,
    "the estate: sites with a proxy and an upstream",
    "repair",
)


def leaves(inventory: Inventory, detection: Part, world: World) -> Part:
    """From the fault until clients are served elsewhere, where `detection` makes the upstreams drop the site."""
    if not has_other_site(inventory):
        return NO_OTHER_SITE
    route = after(detection, bgp.moves(inventory, world))
    alone = uncovered(inventory)
    if not alone:
        return route
    by_name = dns.all_of(inventory, alone, world)
    if len(alone) == len(inventory.estate.services):
        return by_name
    return last_of(route, by_name, label="services by BGP and by DNS")


def store_after(inventory: Inventory, site: str) -> Part:
    """What the store does when a site's members are gone."""
    return etcd.after_loss(inventory, sum(member.site == site for member in first_store(inventory)))


def power_cut(inventory: Inventory, world: World) -> Figures:
    reads = leaves(inventory, bgp.all_upstreams(inventory, world), world)
    return both(reads, orders(beside_store(inventory, reads)))


def one_leaves_one_dies(inventory: Inventory, world: World) -> Figures:
    """A site is drained while another one loses power, a moment after its addresses have begun to move: who has just come
    from the one to the other is hit twice. From the first move on; whose clients notice which is not told apart.
    """
    first = after(if_hit(leaves(inventory, bgp.command(inventory), world)), NEXT_FAULT)
    dies = power_cut(inventory, world)
    return both(if_hit(after(first, dies[READS])), one_of(dies[WRITES], after(first, dies[WRITES])))


def beside_store(inventory: Inventory, reads: Part) -> Part:
    """Clients find another site while the store elects: the slower of the two counts."""
    store = every_site(inventory, lambda site: store_after(inventory, site))
    if store == etcd.KEPT_LEADER:
        return reads
    return last_of(reads, store, label="the way to another site and the store")


def proxies_dead(inventory: Inventory, world: World) -> Figures:
    detection = after(bgp.silence(inventory), bgp.ANCHOR_GONE)
    reads = leaves(inventory, detection, world)
    return both(reads, orders(reads))


def cut_off(inventory: Inventory, world: World) -> Figures:
    """The store keeps its members: they talk over the private paths."""
    reads = leaves(inventory, bgp.all_upstreams(inventory, world), world)
    return both(reads, orders(reads))


def withdrawn(inventory: Inventory, world: World) -> Figures:
    """Nothing has to be noticed, and the data path lives until the routes have moved."""
    reads = if_hit(leaves(inventory, bgp.command(inventory), world))
    return both(reads, orders(reads))


def promoted(inventory: Inventory, world: World) -> Figures:
    """The main site leads the store, and what is left must agree although the standby's member is behind."""
    reads = leaves(inventory, bgp.all_upstreams(inventory, world), world)
    store = after(etcd.election(inventory), etcd.catch_up(inventory))
    return both(reads, orders(last_of(reads, store, label="the way to another site and the store")))


def has_standby(inventory: Inventory) -> bool:
    """Is there a site without which the store goes on, and that makes a majority with the witnesses alone?

    Witnesses are sites that serve nobody; the others' members may then lag without stopping a write.
    """
    members = first_store(inventory)
    witnesses = sum(not inventory.front(member.site) for member in members)
    need = quorum(members)
    counts = [sum(member.site == site for member in members) for site in serving(inventory)]
    enough = [n for n in counts if n and n + witnesses >= need and len(members) - n >= need]
    return has_other_site(inventory) and bool(enough)


def _serves(inventory: Inventory) -> bool:
    return bool(serving(inventory) and inventory.estate.services)


def _has_upstreams(inventory: Inventory) -> bool:
    return _serves(inventory) and any(inventory.estate.sites[s].upstreams for s in serving(inventory))


def can_leave(inventory: Inventory) -> bool:
    return _has_upstreams(inventory) and has_other_site(inventory)


MODELS = (
    Model("site-power-cut", "a whole site loses power at once", _serves, power_cut),
    Model("both-proxies-dead", "every proxy of a site loses power at once", _serves, proxies_dead),
    Model(
        "client-partition", "a site's links to all its upstreams are cut, those to other sites are not",
        _has_upstreams, cut_off,
    ),
    Model(
        "planned-withdrawal", "an operator shuts a site's BGP sessions with its upstreams", _has_upstreams, withdrawn
    ),
    Model("drain-site", "an operator drains a site through the arbiter", can_leave, withdrawn),
    Model(
        "standby-promotion", "the main site loses power while its standby's store lags behind", has_standby, promoted
    ),
)  # fmt: skip
