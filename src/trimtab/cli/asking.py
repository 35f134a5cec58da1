"""What takes a member away by choice asks the arbiter, whichever command it is: at each site where the member is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.cli.drain_local import local_drain
from trimtab.cli.estate_store import opened
from trimtab.cli.registries import Act, site_members
from trimtab.daemons.etcd.config import estate_members
from trimtab.estate.inventory import Inventory
from trimtab.ops.arbiter.world import Request
from trimtab.ops.drain.of_site import places_of
from trimtab.ops.drain.take import Taking, take, tried
from trimtab.ops.overrides.member import PoolMember, Who
from trimtab.registry.base import Registry, Snapshot, Write


@dataclass(frozen=True, slots=True)
class Change:
    """plan: what is to be written at a site. takes: whether that takes the member away from those who ask for it at the site,
    as its place in the pool is now. note: told what is to be said of a site besides. verb: what it is, for the reason that is
    kept, where it is no drain.
    """

    pool: str
    name: str
    who: Who
    force: bool
    plan: Callable[[Snapshot, str], Write | None]
    takes: Callable[[Snapshot, PoolMember, str], bool]
    note: Callable[[str, str], None]
    verb: str = ""


def asking(inventory: Inventory, change: Change, dry: bool) -> Act | None:
    """What is done at a site, in the place of the plan alone. None for an estate without a store to ask in."""
    if not estate_members(inventory):
        return None

    async def act(registry: Registry, site: str) -> bool:
        async with opened(inventory) as store:
            work = local_drain(inventory, site, store, registry, lambda *_: None)
            taken = await (tried if dry else take)(work, _taking(inventory, change, site))
        if taken.note:
            change.note(site, taken.note)
        return taken.changed

    return act


def _taking(inventory: Inventory, change: Change, site: str) -> Taking:
    return Taking(
        lambda snapshot: change.plan(snapshot, site),
        lambda snapshot: requests_of(inventory, change, site, snapshot),
        change.force,
    )


def requests_of(inventory: Inventory, change: Change, site: str, snapshot: Snapshot) -> tuple[Request, ...]:
    """One for each of its places in pools. None at a site whose proxies would not miss it, because it has none."""
    own = [each for each in site_members(inventory, snapshot, change.pool, site) if each.name == change.name]
    if not inventory.front(site) or not any(change.takes(snapshot, pool_member, site) for pool_member in own):
        return ()
    who, reason = change.who, ": ".join(filter(None, (change.verb, change.who.reason)))
    return tuple(
        Request("drain-member", site, place, who.by, reason, force=change.force)
        for place in places_of(inventory, site, snapshot, change.pool, change.name)
    )
