"""A link that comes and goes: a bad connector, a provider that restarts its line card again and again."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import upstream
from trimtab.drills.scene import LabLike, Scene

TIMES, DOWN_S, UP_S = 6, 0.7, 1.3  # longer than BFD needs to notice, and to come back; bounded


class FlapLink:
    """of: one `upstream`: its cable is cut and mended six times in 12 s, then it stays cut until the repair."""

    kind = "flap-link"
    targets = ("upstream",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        found = upstream(place, arguments)
        says = f"the link of {place.name} with {found.name} ({found.transit}) comes and goes {TIMES} times"
        return Aim(place.name, (), "", says, (found.segment,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = lab.cut_cables(aim.segments)
        for _ in range(TIMES - 1):
            time.sleep(DOWN_S)  # the fault is this rhythm
            lab.mend_cables(aim.segments)
            time.sleep(UP_S)
            lab.cut_cables(aim.segments)
        return Struck(at, {"flaps": TIMES})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        lab.mend_cables(aim.segments)
