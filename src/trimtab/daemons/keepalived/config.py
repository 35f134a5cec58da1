"""keepalived: VRRPv3 for the VIPs of a site (proxies) and for the gateways of its networks (routers).

Sources: RFC 5798; keepalived.conf(5) of 2.2.7. A backup that hears of another number of addresses than its own does not
take the sender for a master, and so does one that has more instances in a group: for as long as two hosts have different
files, both would hold everything. So a site has one instance for all, of both families, and what it advertises is one
address that no entry of the estate can change; the others are `virtual_ipaddress_excluded`, of which nobody tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trimtab.agent_config import KEEPALIVED_RELOADING
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.template import fill
from trimtab.estate.addressing import FAMILIES, MAX_ROUTERS
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import by_vrrp
from trimtab.estate.vrrp import Vrrp

CONFIG = "/etc/keepalived/keepalived.conf"
FRONT_STATE = "/run/trimtab/front"
GATEWAY_STATE = "/run/trimtab/gateway"
LAST_PLACE = -254  # below every priority; keepalived takes 1 for what comes out less


@dataclass(frozen=True, slots=True)
class Instance:
    """carrier: the address that is advertised, with its length.  addresses: (address with length, interface) of all that
    move with it.  preempt: a master that comes back takes over again.  track: files that hold it back.  peers: who is told;
    () for whoever hears multicast.
    """

    name: str
    interface: str
    vrid: int
    carrier: str
    addresses: tuple[tuple[str, str], ...]
    preempt: bool
    track: tuple[dict[str, Any], ...]
    peers: tuple[str, ...] = ()


def moves_vips(inventory: Inventory, host: Host) -> bool:
    """Do the site's VIPs move to and from the host? Not where every holder announces them, nor where each has its own address."""
    return host.does("vips") and by_vrrp(inventory, host.site)


def render(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """One file: a host that is router and proxy has an instance for each."""
    found = [_front(inventory, host)] if moves_vips(inventory, host) else []
    found += [_gateways(inventory, host)] if host.does("gateway") else []
    return _config(inventory.estate.vrrp, host, found)


def _front(inventory: Inventory, host: Host) -> Instance:
    """The VIPs: given away when the proxy's process ends or when it no longer answers."""
    own = host.interface
    vips = [(f"{vip}/{32 if f == 4 else 128}", own) for f in FAMILIES for vip in inventory.held(host.site, f)]
    vrid = inventory.estate.vrrp.ids[0]
    carrier = f"{host.vlan.carrier(vrid)}/32"
    peers = _peers(inventory, host)
    track = [_tracked("front", FRONT_STATE, name) for name in ("process", "health", "yield")]
    track.append(_tracked("front", FRONT_STATE, "drained", LAST_PLACE))
    preempt = inventory.estate.vrrp.preempt
    return Instance("front", own, vrid, carrier, tuple(vips), preempt, tuple(track), peers)


def _gateways(inventory: Inventory, host: Host) -> Instance:
    """The gateway of every network of the site; a router that is alone has them too, so that a second one may come and go.

    It never preempts: a router that comes back has no routes yet.
    """
    own, peers = host.vlan, _peers(inventory, host, MAX_ROUTERS)
    moving = [
        (vlan, f"{address}/{vlan.network(f).prefixlen}")
        for vlan, f, address in inventory.moving_gateways(host.site)
    ]
    vrid = inventory.estate.vrrp.ids[1]
    carrier = f"{own.carrier(vrid)}/32"
    if not own.is_stated(4):
        carrier = next(address for vlan, address in moving if vlan == own)  # the first: IPv4's
    gateways = tuple((address, vlan.interface) for vlan, address in moving if address != carrier)
    track = (_tracked("gateway", GATEWAY_STATE, "bird"),)
    return Instance("gateway", own.interface, vrid, carrier, gateways, False, track, peers)


def _peers(inventory: Inventory, host: Host, most: int | None = None) -> tuple[str, ...]:
    """Whom a host tells where multicast does not pass: every number of its group up to one beyond the last, retired or not.
    Who joins or leaves is told then whoever has the new file first; an address that nobody has costs nothing.
    """
    if not inventory.estate.vrrp.unicast:
        return ()
    last = inventory.estate.sites[host.site].hosts[host.group].low + 1
    numbers = range(1, min(last, most or last) + 1)
    found = (inventory.address(host.site, host.group, n, 4) for n in numbers if n != host.number)
    return tuple(address for address in found if address is not None)


def _tracked(group: str, folder: str, name: str, weight: int = 0) -> dict[str, Any]:
    """weight: of a 1 in the file, on the priority; 0: a 1 is a fault."""
    return {"name": f"{group}_{name}", "path": f"{folder}/{name}", "weight": weight}


def _config(vrrp: Vrrp, host: Host, instances: list[Instance]) -> tuple[Artifact, ...]:
    track = [each for instance in instances for each in instance.track]
    text = fill(
        "keepalived/keepalived.conf.j2",
        host=host,
        reload_file=KEEPALIVED_RELOADING,
        instances=instances,
        priority=vrrp.priority(host.number - 1),
        advert=f"{vrrp.advert:g}",
        garp_refresh=max(1, round(vrrp.garp_refresh)) if vrrp.garp_refresh else 0,
        track=track,
        weighed=any(each["weight"] for each in track),
    )
    return (Artifact(CONFIG, text, validator="keepalived", take_up="reload", unit="keepalived.service"),)
