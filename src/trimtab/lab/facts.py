"""What drills need to know of a twin, as JSON: who is where, what carries whom, how orders are placed."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from typing import Any

from trimtab.daemons.across import asked
from trimtab.daemons.announcing import session_name, speaker
from trimtab.daemons.catchment import announced
from trimtab.daemons.etcd.config import store_members
from trimtab.daemons.frr.wire import NAME as FRR
from trimtab.daemons.pools import used
from trimtab.daemons.rendered import render_host
from trimtab.daemons.splits import splits
from trimtab.estate.addressing import FAMILIES, PORTS
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import apiece, by_itself, by_vrrp, joined, speakers
from trimtab.estate.reached import public_of
from trimtab.lab import clients, frr, storefront
from trimtab.lab.clients import RegionPlan
from trimtab.lab.exchange import server_node
from trimtab.lab.topology import Node, wan_segment
from trimtab.lab.transit import runs, session_to
from trimtab.lab.uplinks import Link


def facts(
    inventory: Inventory, regions: list[RegionPlan], nodes: Sequence[Node], links: Sequence[Link]
) -> dict[str, Any]:
    """The `facts` of a topology; `drills.scene` reads them."""
    estate = inventory.estate
    return {
        "estate": estate.estate,
        "configuration": configuration(inventory),
        "engine": estate.tiers.proxy.engine,
        "maxconn": estate.tiers.proxy.maxconn,
        "sites": {site: _site(inventory, site, nodes, links) for site in inventory.site_names()},
        "regions": {region.name: clients.facts(inventory, region) for region in regions},
        "ledger": _ledger(inventory),
        "stores": {name: _store(inventory, name) for name in sorted(estate.stores)},
        "splits": {
            f"{service}/{name}": {
                "host": estate.services[service].names[-1],
                "shares": dict(route.split or {}),
                "ports": {pool: estate.pools[pool].port for pool in route.split or {}},
            }
            for service, name, route in splits(inventory)
        },
        "objectives": {
            "rto_s": estate.objectives.rto,
            "write_rto_s": estate.objectives.write.rto,
            "write_rpo": estate.objectives.write.rpo,
        },
        "ca": clients.CA_FILE,
        "announced": list(announced(inventory).prefixes),
        "vantages": {
            node.name: speaks for node in nodes if node.kind == "transit" and (speaks := _speaks(node))
        },
    }


def _speaks(node: Node) -> str:
    """What a network around the estate speaks BGP with; "" for a machine that does not, as a validator's."""
    if set(frr.UNITS) <= set(node.units):
        return FRR
    return "bird" if "bird.service" in node.units else ""


def configuration(inventory: Inventory) -> str:
    """One SHA-256 over every file of every host, as `build` writes them: the same hash is the same configuration."""
    digest = hashlib.sha256()
    for host in inventory.hosts:
        for artifact in render_host(inventory, host):
            digest.update(f"{host.name}\0{artifact.path}\0{artifact.content}\0".encode())
    return digest.hexdigest()


def _site(inventory: Inventory, site: str, nodes: Sequence[Node], links: Sequence[Link]) -> dict[str, Any]:
    own = [p for f in FAMILIES if (p := inventory.public(site, f)) is not None]
    front = inventory.front(site)
    return {
        "asn": inventory.asn(site),
        "links": {other: wan_segment(site, other) for other in joined(inventory, site)},
        "upstreams": _upstreams(inventory, site, links),
        "prefixes": [str(prefix) for prefix in own],
        "hosts": [h.name for h in inventory.at(site)],
        "routers": [h.name for h in inventory.routers(site)],
        "speakers": [h.name for h in speakers(inventory, site)],
        "speaker_unit": next((f"{speaker(inventory, h)}.service" for h in speakers(inventory, site)), ""),
        "proxies": [h.name for h in front],
        "backends": [h.name for h in inventory.at(site) if storefront.ports(inventory, h)],
        "backend_unit": storefront.PAGES_UNIT,
        "across": _across(inventory, site),
        "registries": [h.name for h in inventory.on_duty("registry", site)],
        "front_unit": f"{inventory.estate.tiers.proxy.engine}.service",
        "units": _units(site, nodes),
        "vips": [] if apiece(inventory, site) else [str(a) for f in FAMILIES for a in inventory.vips(f)],
        "moved": by_vrrp(inventory, site),
        "announcers": [h.name for h in front] if by_itself(inventory, site) else [],
        "public": {
            host.name: [str(a) for f in FAMILIES if (a := public_of(inventory, host, f))]
            for host in (front if apiece(inventory, site) else ())
        },
    }


def _units(site: str, nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Unit → the site's hosts that run it, those that the twin brings too."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for unit in node.units if node.site == site else ():
            found.setdefault(unit, []).append(node.name)
    return found


def _across(inventory: Inventory, site: str) -> dict[str, list[str]]:
    """By pool with members of its own at the site: whom its proxies ask when these are gone, the nearest first."""
    return {
        name: [other for _, other in asked(inventory, pool, site)]
        for name, pool in used(inventory)
        if pool.members is None and storefront.members(inventory, site, pool)
    }


def _upstreams(inventory: Inventory, site: str, links: Sequence[Link]) -> dict[str, Any]:
    """By name: the network that it is, the segment it is on, and how the site's routers name their sessions."""
    found = {}
    here = [link for link in links if link.session.host.site == site]
    wires = {link.session.upstream: link.wire for link in here}
    own = [link.session for link in here]
    for name, upstream in sorted(inventory.estate.sites[site].upstreams.items()):
        found[name] = {
            "transit": server_node(site, name) if upstream.role == "route-server" else f"as{upstream.asn}",
            "heard": f"AS{inventory.asn(site)}_"
            if upstream.role == "route-server"
            else session_to(site, name),
            "role": upstream.role,
            "drops": upstream.blackhole is not None,
            "segment": wires[name].name if name in wires else f"up.{site}.{name}",
            "interfaces": sorted(set(wires[name].interfaces.values())) if name in wires else [],
            "speaker": runs(inventory, upstream.asn),
            "peers": [str(peer) for peer in upstream.peer],
            "ours": [str(each.local.ip) for each in own if each.upstream == name],
            "sessions": [session_name(name, peer.version) for peer in upstream.peer],
        }
    return found


def _store(inventory: Inventory, name: str) -> dict[str, Any]:
    hosts = [member.name for member in store_members(inventory, name)]
    return {"hosts": hosts, "client_port": PORTS["etcd-client"]}


def _ledger(inventory: Inventory) -> dict[str, Any] | None:
    for name, service in sorted(inventory.estate.services.items()):
        if service.ledger is not None:
            url = f"https://{service.names[0]}"
            put, get = shlex.split(service.ledger.put), shlex.split(service.ledger.get)
            return {"service": name, "url": url, "put": put, "get": get}
    return None
