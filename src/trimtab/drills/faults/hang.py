"""A daemon hangs: its processes are stopped with SIGSTOP. They keep their sockets, so the kernel still accepts
connections, no supervisor notices, and only a request finds out."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.places import HOSTS
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TwinFailed


class Hang:
    """of: the front unit on the `vip-holder`."""

    kind = "hang"
    places = ("vip-holder",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        return Aim(place.name, nodes, place.front_unit, f"{place.front_unit} on {who} hangs (SIGSTOP)")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.kill(aim.nodes[0], aim.unit, "STOP"))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        try:
            lab.kill(aim.nodes[0], aim.unit, "CONT")
        except TwinFailed:  # it has ended meanwhile, and whoever restarts it does not restart it stopped
            return
