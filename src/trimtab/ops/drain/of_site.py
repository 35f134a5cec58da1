"""What a site's registry tells the arbiter: which proxies work, who is well in each pool, and what an operator took out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trimtab.daemons.base import TakesUp
from trimtab.daemons.front.daemon import DAEMON as FRONT
from trimtab.daemons.pools import servers, used
from trimtab.daemons.rendered import watched
from trimtab.daemons.table import table
from trimtab.estate.inventory import Host, Inventory
from trimtab.ops.arbiter.world import PoolState, SiteState
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.of_pool import pool_state
from trimtab.ops.overrides.member import PoolMember, pool_members, records
from trimtab.registry.base import Snapshot
from trimtab.registry.record import FrontState, HostState, ProxyOverride, Record


@dataclass(frozen=True, slots=True)
class RegisteredProxy:
    """A proxy as its site's registry has it. works: None where nobody tells."""

    override: ProxyOverride | None
    state: FrontState | None
    works: bool | None

    @property
    def drained(self) -> bool:
        return self.override is not None and self.override.state == "drain"


def with_site(facts: Facts, inventory: Inventory, site: str, snapshot: Snapshot) -> Facts:
    """`facts` with what the registry of one site says of it."""
    read, state = records(snapshot), facts.sites.get(site)
    if state is None:
        return facts
    fronts = fronts_of(read, inventory, site)
    pools = tuple(_pool(inventory, site, snapshot, read, name) for name, _ in used(inventory))
    return replace(facts, sites={**facts.sites, site: _with_fronts(state, fronts)}, pools=pools)


def fronts_of(read: Mapping[str, Record], inventory: Inventory, site: str) -> dict[str, RegisteredProxy]:
    """By host, every proxy of the site."""
    return {host.name: _front(read, host.name, _brings(inventory, host)) for host in inventory.front(site)}


def _brings(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The units by which a proxy serves, and has the addresses; the watch at its front brings the two together."""
    needed = (TakesUp.SERVES, TakesUp.MOVES)
    names = (unit.name for unit in watched(inventory, host))
    return tuple(name for name in names if FRONT.has(name) or table().takes_up(name) in needed)


def site_members(inventory: Inventory, site: str, snapshot: Snapshot, pool: str) -> tuple[PoolMember, ...]:
    """Everybody in a pool at a site, registered or named by the estate."""
    declared = inventory.estate.pools[pool]
    named = [each.name for each in servers(inventory, declared, site) if not each.empty]
    return pool_members(snapshot, declared.discover or pool, named, registers=declared.discover is not None)


def places_of(inventory: Inventory, site: str, snapshot: Snapshot, pool: str, member: str) -> tuple[str, ...]:
    """POOL/MEMBER of each pool that some route leads to and that has the member, `pool` first: two may discover one name."""
    registered = inventory.estate.pools[pool].discover or pool
    pools = [name for name, declared in used(inventory) if (declared.discover or name) == registered]
    return tuple(
        f"{each}/{member}"
        for each in sorted(pools, key=lambda name: name != pool)
        if member in {pool_member.name for pool_member in site_members(inventory, site, snapshot, each)}
    )


def _front(read: Mapping[str, Record], host: str, units: tuple[str, ...]) -> RegisteredProxy:
    override, state, said = (read.get(f"{kind}/{host}") for kind in ("proxies", "fronts", "hosts"))
    works = all(said.units.get(unit) == "works" for unit in units) if isinstance(said, HostState) else None
    return RegisteredProxy(
        override if isinstance(override, ProxyOverride) else None,
        state if isinstance(state, FrontState) else None,
        works,
    )


def _with_fronts(state: SiteState, fronts: Mapping[str, RegisteredProxy]) -> SiteState:
    works = {name: each.works and not each.drained for name, each in fronts.items()}
    return replace(state, proxies=works, drained=frozenset(n for n, each in fronts.items() if each.drained))


def _pool(
    inventory: Inventory, site: str, snapshot: Snapshot, read: Mapping[str, Record], name: str
) -> PoolState:
    found = site_members(inventory, site, snapshot, name)
    external = {each.name for each in found if each.name not in inventory.by_name}
    return pool_state(site, name, found, read, external)
