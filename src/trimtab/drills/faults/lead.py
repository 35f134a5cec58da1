"""A site's member is made the leader of the store, as operators keep it: where most writes come from."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.node_exec import ask
from trimtab.drills.probes.store import find_leader, member_id
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput


class Lead:
    """of: the member of the `site`. Nothing happens where it leads already."""

    kind = "lead"
    targets = ("site",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        members = [host for store in scene.stores[:1] for host in store.hosts if host in place.hosts]
        if not members:
            raise BadInput(f"{place.name} has no member of a store", "name a site that has one with --site")
        leader = find_leader(lab, scene)
        port = str(scene.stores[0].client_port)
        return Aim(place.name, (members[0],), port, f"{members[0]} leads the store", names=(leader,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        member, leader, endpoint = aim.nodes[0], aim.names[0], f"--endpoints=http://127.0.0.1:{aim.unit}"
        if member != leader:
            number = member_id(lab, member, int(aim.unit))
            ask(lab, leader, ["etcdctl", endpoint, "move-leader", f"{number:x}"])
        return Struck(time.monotonic())

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None
