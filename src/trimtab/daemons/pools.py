"""What a pool means at one site, for every proxy engine."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.estate.inventory import Inventory
from trimtab.estate.pool import Pool

BACKUP_IDS = 1000


@dataclass(frozen=True, slots=True)
class Server:
    """One endpoint. id: stable across reloads and equal on every proxy, so that consistent hashes agree.

    empty: a place in store for a member that registers itself.
    """

    name: str
    address: str
    id: int
    weight: int = 100
    backup: bool = False
    empty: bool = False


NOWHERE = "0.0.0.0:0"


def slots(pool: Pool) -> list[Server]:
    """The servers that a registered pool has in store: the member with id N takes `mN`."""
    return [Server(f"m{i}", NOWHERE, i, empty=True) for i in range(1, pool.slots + 1)]


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def servers(inventory: Inventory, pool: Pool, site: str) -> list[Server]:
    """The members of a pool as a proxy of `site` sees them."""
    if pool.members is not None:
        return [
            Server(f"member-{i}", endpoint(str(m.address), m.port), i, m.weight, m.backup)
            for i, m in enumerate(pool.members, 1)
        ]
    port = pool.port or 0
    found = (
        slots(pool)
        if pool.discover is not None
        else [
            Server(h.name, endpoint(h.v4, port), h.number) for h in inventory.in_group(site, pool.hosts or "")
        ]
    )
    if pool.backup is not None:
        spare = inventory.in_group(site, pool.backup)
        found += [Server(h.name, endpoint(h.v4, port), BACKUP_IDS + h.number, backup=True) for h in spare]
    return found


def used(inventory: Inventory) -> list[tuple[str, Pool]]:
    """The pools that some route leads to, by name."""
    named = {p for s in inventory.estate.services.values() for r in s.routes for p in r.pools}
    return [(name, pool) for name, pool in sorted(inventory.estate.pools.items()) if name in named]
