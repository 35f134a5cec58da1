"""A daemon hangs: its processes are stopped with SIGSTOP. They keep their sockets, so the kernel still accepts
connections, no supervisor notices, and only a request finds out."""

from __future__ import annotations

from contextlib import suppress

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS, unit_of
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TwinFailed


class Hang:
    """of: the front unit on the `vip-holder`, a `speaker` of BGP, or the `agents` of a site, all at once."""

    kind = "hang"
    targets = ("vip-holder", "speaker", "agents")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        unit = unit_of(place, of)
        return Aim(place.name, nodes, unit, f"{unit} on {who} hangs (SIGSTOP)")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(min(lab.kill(node, aim.unit, "STOP") for node in aim.nodes))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for node in aim.nodes:
            with suppress(TwinFailed):  # it has ended meanwhile, and its successor is not stopped
                lab.kill(node, aim.unit, "CONT")
