"""DNS: what a client waits for whose address nobody else can answer.

Sources: RFC 1035, 3.2.1 (TTL); Bhowmick et al., "TTL Violation of DNS Resolvers in the Wild" (PAM 2023): 8.74 % of
the resolvers keep answers longer; Chromium's host cache keeps them for 60 s.
"""

from __future__ import annotations

from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Service
from trimtab.timing.interval import FOR_EVER, UNTIL_REPAIR, Interval
from trimtab.timing.layout import World
from trimtab.timing.parts import Part, Term, after, last_of

DEFAULT_TTL_S = 30.0
# How a site's health is judged for DNS while the estate has no words for it.
EVERY_S, TIMEOUT_S, FALL = 2.0, 1.0, 3
KEPT_LONGER_S = 60.0

NO_RESOLVER = Term(
    "dns",
    "clients keep the lost site's address: no covering prefix, and the twin has no resolvers",
    FOR_EVER,
    "docs/drills.md: the load",
    "repair",
)
YOUR_DNS = Term(
    "dns",
    "your own DNS stops naming the site: the estate does not say when",
    Interval(0.0, UNTIL_REPAIR),
    "the estate has no edge.steering",
    "detection",
)


def moves(inventory: Inventory, service: Service, world: World) -> Part:
    """Until the clients of a service with an address a site ask another one."""
    if world == "twin":
        return NO_RESOLVER
    steering = service.steering or inventory.estate.edge.steering
    ttl = steering.ttl if steering else DEFAULT_TTL_S
    return after(health() if steering else YOUR_DNS, time_to_live(ttl), KEEPERS)


def health() -> Term:
    """`fall` probes in a row fail; the last of them may need its whole time-out."""
    return Term(
        "dns",
        f"{FALL} probes {EVERY_S:g} s apart fail, and DNS stops naming the site",
        Interval((FALL - 1) * EVERY_S, FALL * EVERY_S + TIMEOUT_S),
        "site health: every 2 s, time-out 1 s, fall 3",
        "detection",
    )


def time_to_live(seconds: float) -> Term:
    return Term("dns", f"answers with a TTL of {seconds:g} s age", Interval(0.0, seconds), "RFC 1035, 3.2.1")


KEEPERS = Term(
    "dns",
    "resolvers and browsers keep an answer longer than its TTL",
    Interval(0.0, KEPT_LONGER_S),
    "Bhowmick, PAM 2023: 8.74 % of resolvers; Chromium's host cache: 60 s",
)


def all_of(inventory: Inventory, services: list[tuple[str, Service]], world: World) -> Part:
    """The slowest of several services."""
    return last_of(
        *(moves(inventory, service, world) for _, service in services), label="clients ask DNS again"
    )
