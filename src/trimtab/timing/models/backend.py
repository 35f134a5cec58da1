"""A backend, or the host of the store's leader, is lost: the proxies and the store get round it."""

from __future__ import annotations

from trimtab.daemons.across import helped
from trimtab.daemons.pools import servers, used
from trimtab.estate.inventory import Inventory
from trimtab.timing import checks, etcd
from trimtab.timing.client import ORDER_REFUSED, SERVES_ON, orders
from trimtab.timing.layout import World, every_site, first_store, quorum, serving
from trimtab.timing.models.base import Figures, Model, both
from trimtab.timing.parts import Part, one_of


def killed(inventory: Inventory, world: World) -> Figures:
    reads = checks.over_pools(inventory, lambda pool, size: checks.refused(inventory, pool, size))
    return both(reads, orders(reads, ORDER_REFUSED))


def power_cut(inventory: Inventory, world: World) -> Figures:
    reads = checks.over_pools(inventory, lambda pool, size: checks.silent(inventory, pool, size))
    once = checks.over_pools(
        inventory, lambda pool, size: checks.silent(inventory, pool, size, repeated=False)
    )
    return both(reads, orders(once))


def pool_loss(inventory: Inventory, world: World) -> Figures:
    """Nothing has to be found out about the other site: it is asked as soon as no member is left here."""
    reads = every_site(inventory, lambda site: _lost_at(inventory, site))
    return both(reads, orders(reads))


def _lost_at(inventory: Inventory, site: str) -> Part:
    pools = [pool for _, pool in used(inventory) if pool.members is None and servers(inventory, pool, site)]
    found = [checks.all_silent(inventory, pool, site) for pool in pools]
    return one_of(*found, label="by the pool") if found else SERVES_ON


def leader_loss(inventory: Inventory, world: World) -> Figures:
    members = first_store(inventory)
    if len(members) - 1 < quorum(members):
        return both(SERVES_ON, etcd.NO_QUORUM)
    return both(SERVES_ON, orders(etcd.election(inventory, one_host=True)))


def reinstalled(inventory: Inventory, world: World) -> Figures:
    """A registry's members cost nobody anything; the store's may be its leader."""
    members = first_store(inventory)
    if not members:
        return both(SERVES_ON, SERVES_ON)
    if len(members) - 1 < quorum(members):
        return both(SERVES_ON, etcd.NO_QUORUM)
    return both(SERVES_ON, orders(one_of(etcd.KEPT_LEADER, etcd.election(inventory, one_host=True))))


def _has_etcd(inventory: Inventory) -> bool:
    return bool(serving(inventory) and (inventory.on_duty("registry") or first_store(inventory)))


def _has_backends(inventory: Inventory) -> bool:
    return bool(serving(inventory)) and any(pool.members is None for _, pool in used(inventory))


def _asks_another_site(inventory: Inventory) -> bool:
    return bool(serving(inventory)) and any(helped(inventory, pool) for _, pool in used(inventory))


def _takes_orders(inventory: Inventory) -> bool:
    return _has_backends(inventory) and any(s.ledger for s in inventory.estate.services.values())


def _has_store(inventory: Inventory) -> bool:
    return bool(serving(inventory) and first_store(inventory))


MODELS = (
    Model("backend-kill", "the processes of a backend are killed", _has_backends, killed),
    Model("member-dies-answering", "members are killed while they answer", _takes_orders, killed),
    Model("backend-power-cut", "a backend's host loses power", _has_backends, power_cut),
    Model("site-pool-loss", "every backend of a site loses power at once", _asks_another_site, pool_loss),
    Model("store-leader-loss", "the host of the store's leader loses power", _has_store, leader_loss),
    Model(
        "member-reinstalled", "members of etcd lose their disks, one after the other", _has_etcd, reinstalled
    ),
)
