"""The proxy that holds a site's addresses dies, hangs or is renewed."""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.timing import bgp, front, vrrp
from trimtab.timing.checks import ROUND_TRIPS
from trimtab.timing.client import NO_GAP, orders
from trimtab.timing.interval import NOTHING, Interval
from trimtab.timing.layout import World, engine, every_site, furthest_client, has_other_site, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.site import leaves
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
    """The partner takes the addresses after `released`; a site with one proxy leaves after `alone`."""

    def of(site: str) -> Part:
        if len(inventory.front(site)) > 1:
            return after(released, vrrp.ADDRESS_MOVE)
        return leaves(inventory, alone, world)

    return every_site(inventory, of)


def power_cut(inventory: Inventory, world: World) -> Figures:
    alone = after(bgp.silence(inventory), bgp.ANCHOR_GONE)
    reads = hand_over(inventory, world, alone, vrrp.master_down(inventory))
    return both(reads, orders(reads))


def process_kill(inventory: Inventory, world: World) -> Figures:
    """A site with one proxy and no other site waits for the restart, which needs nobody's repair."""
    released = after(front.STOP_HOOK, vrrp.release(inventory))
    if not has_other_site(inventory) and any(len(inventory.front(s)) < 2 for s in serving(inventory)):
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


def _in_place(inventory: Inventory) -> bool:
    return _serves(inventory) and engine(inventory).in_place


MODELS = (
    Model("proxy-power-cut", "the host that holds a site's VIPs loses power", _serves, power_cut),
    Model("proxy-process-kill", "the processes of that host's proxy are killed", _serves, process_kill),
    Model("proxy-hang", "that host's proxy hangs: it accepts connections and answers nothing", _serves, hang),
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
