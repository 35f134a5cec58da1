"""What operators, observers and the estate's own store do: an address moves when somebody asked for it, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.daemons.etcd.config import estate_members
from trimtab.daemons.pools import used
from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Service
from trimtab.ops.drain.granting import TTL_S
from trimtab.timing.client import orders
from trimtab.timing.interval import NOTHING, Interval
from trimtab.timing.layout import World, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.proxy import process_kill, shared_sites
from trimtab.timing.models.site import can_leave, leaves, one_leaves_one_dies, power_cut, withdrawn
from trimtab.timing.parts import Part, Term, after

ON_NO_WAY = Term(
    "agent",
    "no request waits for the estate's store, and what observers see takes nothing away by itself",
    NOTHING,
    "docs/arbiter.md",
)


def unnoticed(inventory: Inventory, world: World) -> Figures:
    return both(ON_NO_WAY, ON_NO_WAY)


# An agent looks at what the store says every two seconds; then permit, step, the router's answer, and the same again.
LOOK_S, STEP_S = 2.0, 1.5


def lonely(inventory: Inventory, world: World) -> Figures:
    """Proxies that are well answer badly until agents have drained their site: observers, patience, second choice, withdrawal."""
    services = list(inventory.estate.services.values())
    reads = leaves(inventory, _noticed(inventory, services), world)
    writes = leaves(inventory, _noticed(inventory, [each for each in services if each.ledger]), world)
    return both(reads, orders(writes))


def _noticed(inventory: Inventory, services: Sequence[Service]) -> Part:
    """An address that other sites announce too moves with second choice, one of the site's own with its withdrawal."""
    health, arbiter = inventory.estate.edge.health, inventory.estate.arbiter
    looks = (health.fall - 1) * health.every / 2
    rest = max(arbiter.settle, TTL_S)
    own = any(inventory.is_by_site(each) for each in services)  # the slowest counts
    return after(
        Term(
            "observers",
            f"{health.fall} looks in a row fail at a quorum; after the first one a site is looked at twice as often",
            Interval(looks, looks + health.every + health.timeout),
            "edge.health",
            "detection",
        ),
        Term(
            "agent",
            f"agents have {arbiter.patience:g} s of patience, and look every {LOOK_S:g} s",
            Interval(arbiter.patience, arbiter.patience + LOOK_S),
            "arbiter.patience",
            "detection",
        ),
        Term(
            "arbiter",
            f"permit, second choice, verified; {rest:g} s of rest; withdrawal of what only this site announces",
            Interval(rest, rest + 2 * STEP_S) if own else Interval(0.0, STEP_S),
            "arbiter.settle, the lease's 5 s; measured: 0.3–1.5 s a step",
        ),
    )


def _is_asked(inventory: Inventory) -> bool:
    """There is an arbiter to ask, and somebody else who serves."""
    return can_leave(inventory) and bool(estate_members(inventory))


def _is_watched(inventory: Inventory) -> bool:
    """Of several sites, each other's site endpoints."""
    watching = {host.site for host in inventory.on_duty("registry")}
    return bool(serving(inventory)) and len(watching) > 1


def _is_drained(inventory: Inventory) -> bool:
    """By agents, when the others call it unhealthy."""
    return _is_asked(inventory) and _is_watched(inventory) and inventory.estate.arbiter.automatic


def _is_lonely(inventory: Inventory) -> bool:
    return _is_drained(inventory) and any(pool.members is None for _, pool in used(inventory))


def _has_estate_store(inventory: Inventory) -> bool:
    return bool(serving(inventory)) and bool(estate_members(inventory))


def _has_partner(inventory: Inventory) -> bool:
    sites = shared_sites(inventory)
    return _has_estate_store(inventory) and bool(sites) and all(len(inventory.front(s)) > 1 for s in sites)


def _has_third(inventory: Inventory) -> bool:
    watching = {host.site for host in inventory.on_duty("registry")}
    return _is_asked(inventory) and len(watching) > 2


MODELS = (
    Model(
        "proxy-version-upgrade-drained",
        "a site's proxies are drained and started from another system, one by one",
        _has_partner,
        process_kill,
    ),
    Model("drain-proxy", "an operator drains the proxy that holds a site's VIPs", _has_partner, process_kill),
    Model("drain-member", "an operator drains a member of a pool", _has_estate_store, unnoticed),
    Model("two-operators", "two operators drain two sites at the same moment", _is_asked, withdrawn),
    Model("drain-killed", "whoever takes part in a drain is killed in the middle of it", _is_asked, withdrawn),
    Model(
        "leader-loss-mid-drain", "the leader of the estate's store is killed in the middle of a drain", _is_asked, withdrawn
    ),
    Model(
        "second-fault-during-drain", "another site loses power in the middle of a drain", _has_third, one_leaves_one_dies,
        faults=2,
    ),
    Model("freeze", "a site loses power while the estate is frozen", _is_asked, power_cut),
    Model("site-unhealthy", "no observer can see a site, and agents drain it", _is_drained, withdrawn),
    Model(
        "site-pool-loss-moved", "every backend of a site loses power, and its proxies reach no other site's",
        _is_lonely, lonely, faults=2,
    ),
    Model("estate-store-loss", "every member of the estate's own store loses power", _has_estate_store, unnoticed),
    Model("asymmetric-partition", "the observers of one site cannot see another one", _is_watched, unnoticed),
    Model("bad-check-everywhere", "no observer can see any site", _is_watched, unnoticed),
)  # fmt: skip
