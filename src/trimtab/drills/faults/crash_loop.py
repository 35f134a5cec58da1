"""A daemon that dies each time it has come up, for a while: its supervisor starts it again and again."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import TwinFailed

SECONDS = 25.0
LOOK_SECONDS = 0.05


class CrashLoop:
    """of: the front unit on the `vip-holder`."""

    kind = "crash-loop"
    targets = ("vip-holder",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        says = f"{place.front_unit} on {who} dies whenever it has come up, for {SECONDS:g} s"
        return Aim(place.name, nodes, place.front_unit, says)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = lab.kill(aim.nodes[0], aim.unit, "KILL")
        deaths, ends = 1, at + SECONDS
        while time.monotonic() < ends:
            time.sleep(LOOK_SECONDS)
            try:
                lab.kill(aim.nodes[0], aim.unit, "KILL")
                deaths += 1
            except TwinFailed:  # it is down: its supervisor waits
                continue
        return Struck(at, {"node": aim.nodes[0], "unit": aim.unit, "deaths": deaths})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None
