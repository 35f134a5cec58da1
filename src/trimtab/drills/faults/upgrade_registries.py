"""etcd's next version under every registry and the estate's store, one member at a time; and the way back.

etcd goes up one minor version while it serves. It never goes down again: once all members speak the newer version, an older
one refuses to join. The undo is a snapshot from before, restored on every member of the cluster at once: what was written
since is gone, and whoever follows the registry has to notice that it was set back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trimtab.daemons.etcd import ready as etcd
from trimtab.daemons.etcd.config import ESTATE, REGISTRY
from trimtab.daemons.pki import ROOT_PASSWORD
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.other_system import etcd_systems, needs_etcd_upgrade
from trimtab.drills.faults.preconditions import scene_of
from trimtab.drills.faults.targets import AGENT_UNIT
from trimtab.drills.node_exec import ask, ask_if_there
from trimtab.drills.probes import store
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.addressing import PORTS

HEALTHY_SECONDS = 60.0
FOLDER = "/var/tmp/trimtab-drill"
TRUST = " ".join(store.TRUST)
SAVE = f"""
set -eu
mkdir -p {FOLDER}
ETCDCTL_API=3 ETCDCTL_USER="root:$(cat {ROOT_PASSWORD})" \\
    etcdctl {TRUST} --endpoints="https://127.0.0.1:$2" snapshot save "{FOLDER}/$1.db"
"""
SEND = f'base64 -w0 "{FOLDER}/$1.db"'
TAKE = f'mkdir -p {FOLDER} && base64 -d > "{FOLDER}/$1.db"'
# The rendered file has all that a member has to know of its cluster.
RESTORE = f"""
set -eu
value() {{ sed -n "s/^$1: //p" "/etc/etcd/$cluster.yaml"; }}
cluster=$1
data=$(value data-dir)
rm -rf "${{data:?}}"/* && ETCDCTL_API=3 etcdctl snapshot restore "{FOLDER}/$1.db" --data-dir "$data/restored" \\
    --name "$(value name)" --initial-cluster "$(value initial-cluster)" \\
    --initial-cluster-token "$(value initial-cluster-token)" \\
    --initial-advertise-peer-urls "$(value initial-advertise-peer-urls)"
mv "$data/restored/member" "$data/member" && rmdir "$data/restored"
"""
# On a host's disk from before its upgrade until its clusters are set back: a drill may be killed anywhere in between.
MARK, MARKED, UNMARK = (f"{verb} {FOLDER}/upgraded" for verb in ("touch", "test -e", "rm -f"))


@dataclass(frozen=True, slots=True)
class Cluster:
    """name: as its files have it.  members: hosts.  port: of its clients."""

    name: str
    members: tuple[str, ...]
    port: int

    @property
    def unit(self) -> str:
        return f"etcd-{self.name}.service"


def clusters(scene: Scene) -> tuple[Cluster, ...]:
    """The registry of each site, and the estate's store."""
    found = [
        Cluster(REGISTRY, site.registries, PORTS["etcd-client"])
        for site in scene.sites.values()
        if site.registries
    ]
    if (store := scene.estate_store) is not None:
        found.append(Cluster(ESTATE, store.hosts, store.client_port))
    return tuple(found)


class UpgradeRegistries:
    """of: `registries`, all members of all sites, one after the other."""

    kind = "upgrade-registries"
    targets = ("registries",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_etcd_upgrade(scene, arguments)
        first, then = etcd_systems()
        seen = {row["name"]: row["system"] for row in lab.status()["hosts"]}
        nodes = tuple(host for site in scene.sites.values() for host in site.registries)
        if other := [node for node in nodes if seen[node] != first]:
            raise BadInput(
                f"{', '.join(other[:3])} does not run the older etcd",
                "trimtab lab up" + (f" --system registry={first}" if first else " without --system"),
            )
        says = (
            f"every registry and the estate's store ({len(nodes)} hosts) go on with the next etcd, one by one"
        )
        return Aim(scene.site(arguments["site"]).name, nodes, "", says, names=(first, then))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at, found = time.monotonic(), clusters(scene_of(lab))
        for each in found:
            _sh(lab, each.members[0], SAVE, each.name, str(each.port), seconds=30)
        return Struck(at, {node: self._upgrade(lab, found, node, aim.names[1]) for node in aim.nodes})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Where nothing was upgraded nothing is set back; a host that a killed drill left without power is started."""
        rows = {row["name"]: row for row in lab.status()["hosts"]}
        lab.power_on([node for node in aim.nodes if not rows[node]["powered"]])
        marked = ["sh", "-c", MARKED]
        if any(ask_if_there(lab, node, marked) is not None for node in aim.nodes):
            self._set_back(lab, aim, clusters(scene_of(lab)))

    def _upgrade(
        self, lab: LabLike, found: tuple[Cluster, ...], node: str, release: str
    ) -> Mapping[str, float]:
        began, own = time.monotonic(), [each for each in found if node in each.members]
        _sh(lab, node, f"mkdir -p {FOLDER} && {MARK}")
        for each in own:
            lab.unit(node, each.unit, "stop")
        lab.power_cut([node])
        lab.power_on([node], release)
        _await_healthy(lab, own)
        return {"away_s": round(time.monotonic() - began, 2)}

    def _set_back(self, lab: LabLike, aim: Aim, found: tuple[Cluster, ...]) -> None:
        """All members of a cluster stop before the first one is restored: a newer one that lived would go on as it was."""
        saved = {each: _saved(lab, each) for each in found}
        for each in found:
            for node in each.members:
                lab.unit(node, each.unit, "stop")
        rows = {row["name"]: row for row in lab.status()["hosts"]}
        for node in aim.nodes:
            if rows[node]["system"] != aim.names[0]:
                lab.power_cut([node])
                lab.power_on([node], aim.names[0])
        for each in found:  # the older etcd has refused the newer data meanwhile; it touches none of it
            for node in each.members:
                lab.unit(node, each.unit, "stop")
                ask(lab, node, ["sh", "-c", TAKE, "take", each.name], saved[each])
                _sh(lab, node, RESTORE, each.name, seconds=30)
        starts = [(node, each.unit) for each in found for node in each.members]
        with ThreadPoolExecutor(len(starts)) as pool:  # a member is up once a majority of them is
            list(pool.map(lambda start: lab.unit(start[0], start[1], "start"), starts))
        _await_healthy(lab, list(found))
        for node in aim.nodes:
            lab.unit(node, AGENT_UNIT, "restart")
            _sh(lab, node, UNMARK)


def _saved(lab: LabLike, cluster: Cluster) -> str:
    """The snapshot in base64. Raises EnvironmentUnable where it is gone: then nothing is touched."""
    return _sh(lab, cluster.members[0], SEND, cluster.name)


def _await_healthy(lab: LabLike, found: list[Cluster]) -> None:
    """Until every member of the clusters commits a proposal. Raises EnvironmentUnable."""
    ends = time.monotonic() + HEALTHY_SECONDS
    for each in found:
        waiting = list(each.members)
        while waiting and time.monotonic() < ends:
            asked = etcd.ask((*store.TRUST, f"https://127.0.0.1:{each.port}"))
            waiting = [node for node in waiting if ask_if_there(lab, node, asked) is None]
            if waiting:
                time.sleep(0.2)
        if waiting:
            raise EnvironmentUnable(
                f"{each.name}: {', '.join(waiting)} not healthy in {HEALTHY_SECONDS:.0f} s",
                "see the logs of its unit",
            )


def _sh(lab: LabLike, node: str, script: str, *words: str, seconds: float | None = None) -> str:
    return ask(lab, node, ["sh", "-c", script, "sh", *words], seconds=seconds)
