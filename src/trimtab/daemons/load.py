"""Read an estate file for those who will render or run it: what the versions of its platforms lack is a fault too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from trimtab.daemons.outside import rooms
from trimtab.daemons.rendering import Rendered
from trimtab.errors import BadInput
from trimtab.estate import load
from trimtab.estate.additions import NONE, Additions
from trimtab.estate.base import Noun
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.roles import OURS
from trimtab.estate.tree import Tree


def load_estate(path: str | Path) -> Estate:
    """The estate of a file. Raises BadEstate with every fault, file and line."""
    return load_tree(path)[0]


@cache
def additions() -> Additions:
    """What daemons from outside add to the file. Raises BadInput."""
    roles, tiers, found = OURS, dict[str, type[Noun]](), NONE
    if rooms():
        _refuse_doubles()
    for room in rooms():
        try:
            brought = room.half("rendered", Rendered)
            roles, tiers = roles.also(brought.roles), tiers | dict(brought.tiers)
            found = Additions(roles, tiers)
            _ = found.model  # a tier that there is already
        except ValueError as error:
            raise BadInput(f"the daemon {room.name} cannot be had: {error}", "remove its package") from error
    return found


def _refuse_doubles() -> None:
    """Raises BadInput where a daemon from outside has a name, a probe or a judge that another one has."""
    from trimtab.daemons import rendered, table

    try:
        table.table()
        rendered.table()
    except ValueError as error:
        names = ", ".join(f"{room.name} ({room.package})" for room in rooms())
        raise BadInput(
            f"daemons from outside clash: {error}", f"remove one of these packages: {names}"
        ) from error


def load_tree(path: str | Path) -> tuple[Estate, Tree]:
    """The estate of a file and the marks of its text. Raises BadEstate."""
    return load.read_estate(load.text_of(path), str(path), (room_faults, port_faults), additions())


def room_faults(estate: Estate) -> Iterator[Problem]:
    """Keys that a daemon of the chosen version cannot honour, as its room says."""
    from trimtab.daemons.rendered import table

    for each in table():
        yield from each.faults(estate)


def port_faults(estate: Estate) -> Iterator[Problem]:
    """Ports of pools on which a daemon from outside listens on the same hosts; ours are known to the model itself."""
    if not (outside := [room.half("rendered", Rendered) for room in rooms()]):
        return
    inventory = Inventory(estate)
    for name, pool in estate.pools.items():
        hosts = [host for host in inventory.hosts if host.group in (pool.hosts, pool.backup)]
        for each in outside:
            wanted = (host for host in hosts if each.wanted(inventory, host))
            if any(pool.port in set(each.ports(inventory, host)) for host in wanted):
                yield (
                    ("pools", name, "port"),
                    f"{pool.port} is the port of `{each.name}` on the same hosts",
                    "give the pool another port",
                )
