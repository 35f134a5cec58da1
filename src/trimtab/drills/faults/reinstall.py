"""A host of etcd is installed anew: its daemons are there again, its disk is empty. It has to come back by itself."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread

from trimtab.daemons.etcd import ready as etcd
from trimtab.daemons.etcd.config import REGISTRY
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import scene_of
from trimtab.drills.node_exec import ask, ask_if_there
from trimtab.drills.probes import store
from trimtab.drills.scene import LabLike, Scene, Store
from trimtab.errors import BadInput, TrimtabError
from trimtab.estate.addressing import PORTS

PATIENCE_S = 30.0  # longer than the limit that it is judged by
# What the rendered file says, and never `/`.
WIPE = """
set -eu
data=$(sed -n 's/^data-dir: //p' "/etc/etcd/$1.yaml")
find "${data:?}" -mindepth 1 -delete
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A member's place: its host, and the cluster that it belongs to."""

    host: str
    cluster: Store

    @property
    def unit(self) -> str:
        return f"etcd-{self.cluster.name}.service"


def clusters(scene: Scene) -> tuple[Store, ...]:
    """The registry of each site, the estate's store, and those of applications."""
    found = [
        Store(REGISTRY, site.registries, PORTS["etcd-client"], True)
        for site in scene.sites.values()
        if site.registries
    ]
    return (*found, *([scene.estate_store] if scene.estate_store else []), *scene.stores)


def roles(scene: Scene, host: str) -> tuple[Role, ...]:
    return tuple(Role(host, cluster) for cluster in clusters(scene) if host in cluster.hosts)


class Reinstall:
    """of: `members`, a registry host of the site and its member of the store, one after the other."""

    kind = "reinstall"
    targets = ("members",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        stored = {host for each in scene.stores for host in each.hosts}
        nodes = (*place.registries[:1], *[host for host in place.hosts if host in stored][:1])
        if not nodes:
            raise BadInput(f"{place.name} has no member of an etcd", "name a site that has one with --site")
        names = tuple(sorted({role.cluster.name for node in nodes for role in roles(scene, node)}))
        says = f"{' and '.join(nodes)} lose what etcd has on disk ({', '.join(names)}), one after the other"
        return Aim(place.name, nodes, "", says, names=names)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at, scene = time.monotonic(), scene_of(lab)
        return Struck(at, {node: self._reinstall(lab, roles(scene, node)) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """A drill may have been killed while one was stopped."""
        for node in aim.nodes:
            for role in roles(scene_of(lab), node):
                _start(lab, role)

    def _reinstall(self, lab: LabLike, found: tuple[Role, ...]) -> dict[str, float | None]:
        """By cluster how many seconds the member was away, until it commits again; None: it stayed away."""
        began = time.monotonic()
        for role in found:
            lab.unit(role.host, role.unit, "stop")
            ask(lab, role.host, ["sh", "-c", WIPE, "wipe", role.cluster.name])
        for role in found:
            _start(lab, role)
        return {role.cluster.name: _healthy_after(lab, role, began) for role in found}


def _start(lab: LabLike, role: Role) -> None:
    """Begun, and not waited for: one that does not come up would be waited for for ever."""

    def start() -> None:
        with suppress(TrimtabError):
            lab.unit(role.host, role.unit, "start")

    Thread(target=start, daemon=True).start()


def _healthy_after(lab: LabLike, role: Role, began: float) -> float | None:
    """Seconds until it commits a proposal; None where it does not come back."""
    scheme, trust = ("https", store.TRUST) if role.cluster.secured else ("http", ())
    asked = etcd.ask((*trust, f"{scheme}://127.0.0.1:{role.cluster.client_port}"))
    while time.monotonic() - began < PATIENCE_S:
        if ask_if_there(lab, role.host, asked) is not None:
            return round(time.monotonic() - began, 2)
        time.sleep(0.2)
    return None
