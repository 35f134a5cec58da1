"""keepalived: VRRPv3 for the VIPs of a site (proxies) and for its gateway (several routers).

Sources: RFC 5798; keepalived.conf(5) of 2.2.7. One instance a family in one sync group, so that both move together.
"""

from __future__ import annotations

from typing import Any

from trimtab.estate.addressing import FAMILIES, VRID_FRONT, VRID_GATEWAY, Family
from trimtab.estate.inventory import Host, Inventory
from trimtab.render.artifact import Artifact
from trimtab.render.base import fill

CONFIG = "/etc/keepalived/keepalived.conf"
FRONT_STATE = "/run/trimtab/front"
GATEWAY_STATE = "/run/trimtab/gateway"
# A VRRP packet carries the addresses; keepalived's own limit for those in the packet is 20.
IN_PACKET = 20
LAST_PLACE = -254  # below every priority; keepalived takes 1 for what comes out less


def render_front(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """The VIPs: given away when the proxy's process ends or when it no longer answers."""
    instances = [
        _instance(
            f"front{f}", host.vlan.interface, VRID_FRONT[f], [f"{a}/{32 if f == 4 else 128}" for a in vips]
        )
        for f in FAMILIES
        if (vips := inventory.vips(f))
    ]
    index = [h.name for h in inventory.front(host.site)].index(host.name)
    vrrp = inventory.estate.vrrp
    track = [_tracked("front", FRONT_STATE, name) for name in ("process", "health", "yield")]
    track.append(_tracked("front", FRONT_STATE, "drained", LAST_PLACE))
    return _config(inventory, host, "front", instances, vrrp.priority(index), vrrp.preempt, track)


def render_gateway(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """The gateway address of every network of a site with several routers. It never preempts: a router that comes
    back has no routes yet."""
    routers = inventory.routers(host.site)
    if len(routers) < 2:
        return ()
    instances = [
        _instance(f"gateway{f}_{vlan.id}", vlan.interface, VRID_GATEWAY[f], [_gateway(vlan.host(f, 9), f)])
        for vlan in inventory.vlans(host.site)
        for f in FAMILIES
    ]
    index = [r.name for r in routers].index(host.name)
    track = [_tracked("gateway", GATEWAY_STATE, "bird")]
    return _config(inventory, host, "gateway", instances, inventory.estate.vrrp.priority(index), False, track)


def _tracked(group: str, folder: str, name: str, weight: int = 0) -> dict[str, Any]:
    """weight: of a 1 in the file, on the priority; 0: a 1 is a fault."""
    return {"name": f"{group}_{name}", "path": f"{folder}/{name}", "weight": weight}


def _gateway(address: Any, family: Family) -> str:
    return f"{address}/{24 if family == 4 else 64}"


def _instance(name: str, interface: str, vrid: int, addresses: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "interface": interface,
        "vrid": vrid,
        "addresses": addresses[:IN_PACKET],
        "excluded": addresses[IN_PACKET:],
    }


def _config(
    inventory: Inventory,
    host: Host,
    group: str,
    instances: list[dict[str, Any]],
    priority: int,
    preempt: bool,
    track: list[dict[str, Any]],
) -> tuple[Artifact, ...]:
    vrrp = inventory.estate.vrrp
    text = fill(
        "keepalived/keepalived.conf.j2",
        host=host,
        group=group,
        instances=instances,
        priority=priority,
        preempt=preempt,
        advert=f"{vrrp.advert:g}",
        garp_refresh=max(1, round(vrrp.garp_refresh)) if vrrp.garp_refresh else 0,
        track=track,
        weighed=any(each["weight"] for each in track),
    )
    return (Artifact(CONFIG, text, validator="keepalived", take_up="reload", unit="keepalived.service"),)
