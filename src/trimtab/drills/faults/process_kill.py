"""The processes of a unit are killed with SIGKILL. Its supervisor restarts it, so there is nothing to restore."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS, unit_of
from trimtab.drills.scene import LabLike, Scene


class ProcessKill:
    """of: the front unit on the `vip-holder`, a `speaker` of BGP, what serves on a `backend`, or the `agents` of a site, all
    at once.
    """

    kind = "process-kill"
    targets = ("vip-holder", "speaker", "backend", "agents")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        unit = unit_of(place, of)
        return Aim(place.name, nodes, unit, f"{unit} on {who} is killed")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(min(lab.kill(node, aim.unit, "KILL") for node in aim.nodes))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None
