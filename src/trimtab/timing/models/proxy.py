"""The proxy that holds a site's addresses dies, hangs or is renewed."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece, by_itself
from trimtab.timing import bgp, front, vrrp
from trimtab.timing.checks import ROUND_TRIPS
from trimtab.timing.client import KEPT_TO_THE_LOST, NEXT_ADDRESS, NO_GAP, NO_REQUEST_HIT, orders
from trimtab.timing.interval import NOTHING, Interval
from trimtab.timing.layout import World, engine, every_site, furthest_client, has_other_site, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.site import leaves
from trimtab.timing.models.speaker import silence
from trimtab.timing.parts import Part, Term, after, one_of

NEW_WORKERS = Term(
    "proxy",
    "new workers take the listening sockets over before the old ones let them go",
    NOTHING,
    "HAProxy 2.6 Management Guide, 4 (master-worker, expose-fd listeners); nginx, Controlling nginx (HUP)",
)
OLD_WORKERS = Term(
    "proxy",
    "the old workers serve on when the new ones cannot start",
    NOTHING,
    "HAProxy 2.6 Management Guide, 4; nginx, Controlling nginx: the old configuration stays",
)


PLACES = Term(
    "proxy",
    "who is connected is served; who comes while clients hold every place is none of these figures",
    NOTHING,
    "docs/estate.md, a full proxy",
)


NEW_GENERATION = Term(
    "proxy",
    "a new generation is checked and started beside the one that serves",
    Interval(0.0, 0.1),
    "measured: 20–100 ms on two processors",
)


def hand_over(inventory: Inventory, world: World, alone: Part, released: Part) -> Part:
    """By VRRP the partner takes the addresses after `released`; where all proxies announce, the others have them already, once the
    upstreams have dropped the one (`alone`). A site with one proxy leaves then.
    """

    def of(site: str) -> Part:
        if len(inventory.front(site)) < 2:
            return leaves(inventory, alone, world)
        if by_itself(inventory, site):
            return after(alone, bgp.ROUTE_CHANGE)
        return after(released, vrrp.ADDRESS_MOVE)

    return every_site(inventory, of, shared_sites(inventory))


def shared_sites(inventory: Inventory) -> list[str]:
    """Where the proxies have the same addresses: elsewhere clients come to each apart, which is `nat-site`."""
    return [site for site in serving(inventory) if not apiece(inventory, site)]


def power_cut(inventory: Inventory, world: World) -> Figures:
    """Who announces by itself is missed by its upstreams; the routers of others by BFD."""

    def of(site: str) -> Part:
        if by_itself(inventory, site) and len(inventory.front(site)) > 1:
            return after(silence(inventory, site, world), bgp.ROUTE_CHANGE)
        if len(inventory.front(site)) > 1:
            return after(vrrp.master_down(inventory), vrrp.ADDRESS_MOVE)
        return leaves(inventory, after(bgp.silence(inventory), bgp.ANCHOR_GONE), world)

    reads = every_site(inventory, of, shared_sites(inventory))
    return both(reads, orders(reads))


def addressed(inventory: Inventory, world: World) -> Figures:
    """Clients have all addresses of the site: new connections cost a quarter of a second, kept ones fail once."""
    reads = after(NEXT_ADDRESS, one_of(NO_REQUEST_HIT, KEPT_TO_THE_LOST))
    return both(reads, orders(reads))


def process_kill(inventory: Inventory, world: World) -> Figures:
    """A site with one proxy and no other site waits for the restart, which needs nobody's repair."""
    released = after(front.STOP_HOOK, vrrp.release(inventory))
    if not has_other_site(inventory) and any(len(inventory.front(s)) < 2 for s in shared_sites(inventory)):
        reads = front.restart(inventory)
    else:
        reads = hand_over(inventory, world, after(front.STOP_HOOK, bgp.ANCHOR_GONE), released)
    return both(reads, orders(reads))


def hang(inventory: Inventory, world: World) -> Figures:
    """Only a question finds a proxy that hangs: its process, its sockets and its track file are all there."""
    noticed = after(front.watch(), front.WATCH_HOOK)
    reads = hand_over(
        inventory, world, after(noticed, bgp.ANCHOR_GONE), after(noticed, vrrp.release(inventory))
    )
    return both(reads, orders(reads))


def renewed(inventory: Inventory, world: World) -> Figures:
    """Orders come over connections that stay, which the old workers close after an answer: they make new ones."""
    reconnect = Term(
        "client",
        "orders take new connections: TCP, TLS 1.3 and the request",
        Interval(0.0, round(ROUND_TRIPS * furthest_client(inventory), 3)),
        "RFC 9293, 3.5; RFC 8446, 2",
    )
    return both(NEW_WORKERS, one_of(NO_GAP, after(NEW_GENERATION, reconnect)))


def refused(inventory: Inventory, world: World) -> Figures:
    return both(OLD_WORKERS, one_of(NO_GAP, NEW_GENERATION))


def flooded(inventory: Inventory, world: World) -> Figures:
    return both(PLACES, PLACES)


def _serves(inventory: Inventory) -> bool:
    return bool(serving(inventory) and inventory.estate.services)


def moves(inventory: Inventory) -> bool:
    return _serves(inventory) and bool(shared_sites(inventory))


def _has_addressed(inventory: Inventory) -> bool:
    return _serves(inventory) and any(
        apiece(inventory, site) and len(inventory.front(site)) > 1 for site in serving(inventory)
    )


def _in_place(inventory: Inventory) -> bool:
    return _serves(inventory) and engine(inventory).in_place


MODELS = (
    Model("proxy-power-cut", "the host that holds a site's VIPs loses power", moves, power_cut),
    Model("proxy-process-kill", "the processes of that host's proxy are killed", moves, process_kill),
    Model("proxy-hang", "that host's proxy hangs: it accepts connections and answers nothing", moves, hang),
    Model(
        "nat-site",
        "one of the proxies that have a public address each loses power",
        _has_addressed,
        addressed,
    ),
    Model("half-rolled-out", "a service is added, host by host, each with a hot reload", _serves, renewed),
    Model("proxy-upgrade", "every proxy of a site is renewed by a hot reload", _serves, renewed),
    Model(
        "proxy-version-upgrade",
        "every proxy of a site goes on as another HAProxy, in place",
        _in_place,
        renewed,
    ),
    Model("connection-flood", "more clients than a proxy has places for ask nothing", _serves, flooded),
    Model("bad-reload", "a proxy is reloaded with a configuration that cannot bind", _serves, refused),
)
