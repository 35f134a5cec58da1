"""The watch at the front of each proxy."""

from __future__ import annotations

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.front.config import render
from trimtab.daemons.front.unit import units
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendering import Rendered, with_duty
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece, by_itself


def _ready(inventory: Inventory) -> list[ReadyCheck]:
    vips = tuple(str(a) for f in FAMILIES for a in inventory.vips(f))
    alone = [host for host in inventory.on_duty("vips") if by_itself(inventory, host.site)]
    return [ReadyCheck("vip", f"{host.name} has every VIP", (host.name,), vips) for host in alone if vips]


def _ports(inventory: Inventory, host: Host) -> tuple[int, ...]:
    """On the loopback the engine of the proxies is asked; over the network front-watch answers where a balancer asks each proxy."""
    return (PORTS["front-answer"],) if apiece(inventory, host.site) else ()


RENDERED = Rendered(
    "front",
    with_duty("vips"),
    render,
    units,
    watched=lambda _, __: (Unit("trimtab-front.service", Probe("process")),),
    ports=_ports,
    ready=_ready,
)
