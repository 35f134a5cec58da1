"""What operators, observers and the estate's own store do: an address moves when somebody asked for it, or not at all."""

from __future__ import annotations

from trimtab.daemons.etcd.config import estate_members
from trimtab.estate.inventory import Inventory
from trimtab.timing.interval import NOTHING
from trimtab.timing.layout import World, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.models.proxy import process_kill, shared_sites
from trimtab.timing.models.site import can_leave, one_leaves_one_dies, power_cut, withdrawn
from trimtab.timing.parts import Term

ON_NO_WAY = Term(
    "agent",
    "no request waits for the estate's store, and what observers see takes nothing away by itself",
    NOTHING,
    "docs/arbiter.md",
)


def unnoticed(inventory: Inventory, world: World) -> Figures:
    return both(ON_NO_WAY, ON_NO_WAY)


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
    Model("estate-store-loss", "every member of the estate's own store loses power", _has_estate_store, unnoticed),
    Model("asymmetric-partition", "the observers of one site cannot see another one", _is_watched, unnoticed),
    Model("bad-check-everywhere", "no observer can see any site", _is_watched, unnoticed),
)  # fmt: skip
