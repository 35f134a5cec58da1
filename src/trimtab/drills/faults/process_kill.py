"""The processes of a unit are killed with SIGKILL. Its supervisor restarts it, so there is nothing to restore."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.places import HOSTS
from trimtab.drills.scene import LabLike, Scene


class ProcessKill:
    """of: the front unit on the `vip-holder`, or what serves on a `backend`."""

    kind = "process-kill"
    places = ("vip-holder", "backend")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        unit = place.front_unit if of == "vip-holder" else place.backend_unit
        return Aim(place.name, nodes, unit, f"{unit} on {who} is killed")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.kill(aim.nodes[0], aim.unit, "KILL"))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None
