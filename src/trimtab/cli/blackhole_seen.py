"""What is known of black holes, as an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from trimtab.answers.blackhole import BlackHole
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import speakers
from trimtab.ops.blackhole.hole import Came, Hole, standing
from trimtab.ops.blackhole.record import came_of, holes_of


def answers(
    inventory: Inventory, holes: Sequence[Hole], records: Mapping[str, bytes], now: float
) -> tuple[BlackHole, ...]:
    """The newest first."""

    came = came_of(records)
    return tuple(_answer(inventory, each, came, now) for each in sorted(holes, key=lambda each: -each.number))


def standing_now(inventory: Inventory, records: Mapping[str, bytes], now: float) -> tuple[BlackHole, ...]:

    return answers(inventory, standing(holes_of(records), now), records, now)


def _answer(inventory: Inventory, hole: Hole, came: Mapping[str, Came], now: float) -> BlackHole:
    stands = hole.stands(now)
    names = routers(inventory, hole) if stands else []
    told = {name: name in came and came[name].verified and hole.number in came[name].holes for name in names}
    return BlackHole(
        hole.number, hole.address, tuple(services(inventory, hole.address)), hole.sites, hole.upstreams, hole.by,
        hole.reason, hole.since, hole.until, "stands" if stands else "lifted" if hole.lifted_by else "over",
        hole.lifted_by, hole.lifted_at, told,
        tuple(f"{name}: {_why(came.get(name))}" for name, well in told.items() if not well),
    )  # fmt: skip


def _why(came: Came | None) -> str:
    if came is None:
        return "it has not said anything yet: does its agent run?"
    return came.amiss or "it has not heard of it yet"


def routers(inventory: Inventory, hole: Hole) -> list[str]:
    sites = [site for site in hole.sites if site in inventory.estate.sites]
    return [host.name for site in sites for host in speakers(inventory, site)]


def services(inventory: Inventory, address: str) -> Iterator[str]:
    """Whose clients ask at it."""
    for name, service in sorted(inventory.estate.services.items()):
        vips = (vip for family in FAMILIES for vip in inventory.service_vips(service, family).values())
        if any(str(vip) == address for vip in vips):
            yield name
