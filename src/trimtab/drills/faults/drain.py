"""An operator takes a site out, through the arbiter, and brings it back: `trimtab drain`, `trimtab undrain`."""

from __future__ import annotations

import time

from trimtab.answers.codec import plain
from trimtab.drills.drain_outcome import await_well, bring_back, end_drains
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import desks, needs_drain
from trimtab.drills.operator import begin_drain
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import EnvironmentUnable

ALREADY = ("is-so-already",)


class Drain:
    """of: `site`. Asked on a registry host of another site, as an operator elsewhere would."""

    kind = "drain"
    targets = ("site",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_drain(scene, arguments)
        place = scene.site(arguments["site"])
        node = desks(scene, place.name)[0]
        await_well(lab, node, scene.source)
        says = f"an operator drains {place.name}"
        return Aim(place.name, place.routers, "", says, names=(node, scene.source))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """at: when the site was to become second choice: anycast addresses move then, its own when it is withdrawn. told:
        every move, and how long the whole took.
        """
        node, source = aim.names
        asked = time.monotonic()
        with begin_drain(lab, node, source, aim.site) as command:
            ended = command.end()
        if ended.rules == ALREADY:
            return Struck(asked, {"done": True, "why": "it was drained already", "steps": []})
        if (told := ended.drained) is None:
            raise EnvironmentUnable(f"{aim.site} was not drained: {ended.said}", "`trimtab why` says more")
        left = [move.monotonic_s for move in told.steps if move.step == "prefer"]
        return Struck(left[0], {**plain(told), "took_s": round(time.monotonic() - asked, 3)})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """One that is not drained is none: then it is as it should be."""
        node, source = aim.names
        end_drains(lab, node)
        bring_back(lab, node, source, aim.site)
