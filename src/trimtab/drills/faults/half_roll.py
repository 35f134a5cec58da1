"""A service with an address of its own is added, and the roll-out stops after its first host; later it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trimtab.daemons.load import load_estate
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.node_exec import ask
from trimtab.drills.owners import Watch
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.service import Route, Service
from trimtab.lab import change

NAME = "half-rolled"
HALF_S = 12.0
WRITE = 'mkdir -p "${1%/*}"; umask 077; cat > "$1"'


class HalfRoll:
    """of: `proxies`, the holder of the VIPs first. Each gets the files of an estate with one service more."""

    kind = "half-roll"
    targets = ("proxies",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        first, _ = HOSTS["vip-holder"](lab, scene, arguments)
        nodes = first + tuple(proxy for proxy in place.proxies if proxy not in first)
        says = f"a service is added, {nodes[0]} gets its files, and {', '.join(nodes[1:])} {HALF_S:g} s later"
        return Aim(place.name, nodes, place.front_unit, says, names=(scene.source, *place.vips))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """told: {"half-rolled": {"two": who held an address together, "moved": which went elsewhere}}."""
        before, after = _inventories(lab, aim.names[0])
        for node in aim.nodes:
            for file in change.brought(before, after):
                ask(lab, node, ["sh", "-c", WRITE, "write", file.path], file.content)
        vips = {str(a) for a in (*after.vips(4), *after.vips(6))}
        with Watch(lab, aim.nodes) as watch:
            at = time.monotonic()
            lab.deliver(aim.nodes[0], change.files(after, aim.nodes[0]))
            time.sleep(HALF_S)
            for node in aim.nodes[1:]:
                lab.deliver(node, change.files(after, node))
        return Struck(at, {NAME: _told(watch, vips)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        before, after = _inventories(lab, aim.names[0])
        for node in aim.nodes:
            lab.deliver(node, change.files(before, node))
            ask(lab, node, ["rm", "-f", *(file.path for file in change.brought(before, after))])


def _told(watch: Watch, vips: set[str]) -> Mapping[str, Any]:
    owned = watch.owned(sorted(vips))
    return {"two": list(owned.two), "moved": list(owned.moved)}


def _inventories(lab: LabLike, source: str) -> tuple[Inventory, Inventory]:
    """The twin's own, and the one with a service more. Raises BadInput for an estate that the twin does not run."""
    estate = load_estate(Path(source))
    hosts = {row["name"]: row for row in lab.status()["hosts"] if row["kind"] == "host"}
    before = change.running(estate, {name: row["system"] for name, row in hosts.items()})
    return before, Inventory(added(estate), shrink=before.shrink, platforms=before.platforms)


def added(estate: Estate) -> Estate:
    """With one service more, on an address that no other one has. Raises BadInput where no pool is."""
    pools = [pool for service in estate.services.values() for route in service.routes for pool in route.pools]
    if not pools:
        raise BadInput(
            "the estate has no service with a pool", "the drill adds one more for a pool that serves"
        )
    vip = max(service.vip for service in estate.services.values()) + 1
    new = Service(names=(f"{NAME}.{estate.zone}",), vip=vip, routes=(Route(pool=pools[0]),))
    return estate.model_copy(update={"services": {**estate.services, NAME: new}})
