"""What speaks BGP on one host of a site dies, hangs, or loses its power with the host; the others carry, or other sites do."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import by_itself, speakers
from trimtab.timing import bgp
from trimtab.timing.client import if_hit, orders
from trimtab.timing.interval import NOTHING
from trimtab.timing.layout import World, announcing, every_site, serving, upstreams
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.site import leaves
from trimtab.timing.parts import Part, Term, after, last_of

CLOSED = Term(
    "bgp",
    "the kernel closes the sessions of a process that ends, and the peers drop what it told",
    NOTHING,
    "RFC 4271, 8.2.2 (TcpConnectionFails)",
)


def power_cut(inventory: Inventory, world: World) -> Figures:
    reads = every_site(
        inventory,
        lambda site: _moves(inventory, site, silence(inventory, site, world), world),
        announcing(inventory),
    )
    return both(reads, orders(reads))


def kill(inventory: Inventory, world: World) -> Figures:
    reads = every_site(
        inventory, lambda site: if_hit(_moves(inventory, site, CLOSED, world)), announcing(inventory)
    )
    return both(reads, orders(reads))


def hang(inventory: Inventory, world: World) -> Figures:
    """The kernel forwards and serves all the time; the way moves once the peers miss the speaker."""

    def of(site: str) -> Part:
        return if_hit(_moves(inventory, site, silence(inventory, site, world), world))

    reads = every_site(inventory, of, announcing(inventory))
    return both(reads, orders(reads))


def silence(inventory: Inventory, site: str, world: World) -> Part:
    """Until the last of its upstreams misses it."""
    parts = [bgp.neighbour(inventory, upstream, world) for upstream in upstreams(inventory, site)]
    return last_of(*parts, label="its upstreams notice") if parts else bgp.silence(inventory)


def _moves(inventory: Inventory, site: str, detection: Part, world: World) -> Part:
    """To the site's other hosts, whom the upstreams hear already; or to another site."""
    if len(speakers(inventory, site)) > 1:
        return after(detection, bgp.ROUTE_CHANGE)
    return leaves(inventory, detection, world)


def _speak(inventory: Inventory) -> bool:
    return any(upstreams(inventory, site) for site in serving(inventory)) and bool(inventory.estate.services)


def _announce(inventory: Inventory) -> bool:
    return any(by_itself(inventory, site) and len(inventory.front(site)) > 1 for site in serving(inventory))


MODELS = (
    Model(
        "ecmp-member-death",
        "one of several proxies that announce by themselves loses power",
        _announce,
        power_cut,
    ),
    Model("speaker-kill", "what speaks BGP on one host of a site is killed", _speak, kill),
    Model("speaker-hang", "what speaks BGP on one host of a site hangs", _speak, hang),
)
