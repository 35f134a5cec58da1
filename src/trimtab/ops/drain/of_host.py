"""What a host asks the arbiter with when it takes itself out: its site's registry and its own file, no model of the estate."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from trimtab.agent_config import AskedPool, AsksFile, names_of
from trimtab.errors import BadInput
from trimtab.ops.arbiter.world import Limits, Request, SiteState
from trimtab.ops.drain.granting import Watching
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.local import LocalDrain
from trimtab.ops.drain.of_pool import pool_state
from trimtab.ops.overrides.member import PoolMember, Who, pool_members, records
from trimtab.registry.base import Registry, Snapshot


def host_drain(store: Registry, registry: Registry, site: str, asks: AsksFile) -> LocalDrain:
    """What is judged of sites is not asked here, so nobody who observes is heard."""
    return LocalDrain(
        store, registry, lambda found: facts_of_host(site, asks, found), Watching(()), lambda *_: None
    )


def facts_of_host(site: str, asks: AsksFile, snapshot: Snapshot) -> Facts:
    """Of the host's own site alone. The budget is none of a member's. Raises BadInput."""
    read = records(snapshot)
    pools = tuple(pool_state(site, pool.name, _site_members(pool, snapshot), read) for pool in asks.pools)
    return Facts({site: SiteState(site)}, {}, Limits(members=asks.members), pools)


def requests_of_host(
    site: str, asks: AsksFile, snapshot: Snapshot, mine: Iterable[tuple[str, str]], who: Who, force: bool
) -> tuple[Request, ...]:
    """One for each place in a pool that takes requests now; mine: (name in the registry, this host's name in it). Raises
    BadInput.
    """
    found = []
    for registered, name in mine:
        for pool in asks.pools:
            if pool.registry == registered and name in _taking(_site_members(pool, snapshot)):
                target = f"{pool.name}/{name}"
                found.append(Request("drain-member", site, target, who.by, who.reason, force=force))
    return tuple(found)


def _site_members(pool: AskedPool, snapshot: Snapshot) -> tuple[PoolMember, ...]:
    try:
        return pool_members(snapshot, pool.registry, names_of(pool.hosts), registers=pool.registers)
    except ValueError as error:
        raise BadInput(
            f"agent.json: asks.pools.{pool.name}: {error}", "`trimtab build` renders it"
        ) from error


def _taking(site_members: Iterable[PoolMember]) -> Collection[str]:
    return {each.name for each in site_members if each.weight > 0}
