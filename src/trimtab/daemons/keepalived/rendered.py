"""keepalived, as the estate has it: on routers and proxies."""

from __future__ import annotations

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.keepalived.config import moves_vips, render
from trimtab.daemons.keepalived.unit import units
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendering import Rendered
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Host, Inventory


def _wanted(inventory: Inventory, host: Host) -> bool:
    return host.does("gateway") or moves_vips(inventory, host)


def _ready(inventory: Inventory) -> list[ReadyCheck]:
    found = []
    for site in inventory.site_names():
        front = tuple(h.name for h in inventory.front(site) if moves_vips(inventory, h))
        vips = tuple(str(a) for f in FAMILIES for a in inventory.held(site, f))
        if front and vips:
            found.append(ReadyCheck("vip", f"{site}: one proxy holds every VIP", front, vips))
        if front and vips and inventory.estate.vrrp.preempt:  # it is going to take them back: wait for it
            found.append(ReadyCheck("vip", f"{site}: {front[0]} holds every VIP", front[:1], vips))
        routers = tuple(h.name for h in inventory.routers(site))
        if len(routers) > 1:
            gateways = tuple(str(address) for _, _, address in inventory.moving_gateways(site))
            found.append(ReadyCheck("vip", f"{site}: one router holds every gateway", routers, gateways))
    return found


RENDERED = Rendered(
    "keepalived",
    _wanted,
    render,
    units,
    watched=lambda _, __: (Unit("keepalived.service", Probe("process")),),
    ready=_ready,
)
