"""While a site is being drained another one that serves loses power: the drain may end either way, but not in the middle."""

from __future__ import annotations

import time

from trimtab.drills.drain_outcome import await_well, bring_back, end_drains, settled
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import desks, lost_beside, needs_third
from trimtab.drills.operator import begin_drain
from trimtab.drills.scene import LabLike, Scene

DEADLINE_S = 45.0  # its steps have 20 s each, should it have to give up


class SecondFault:
    """of: the `site` that is drained. The first other one that serves is lost; a third one is where the drain was asked for."""

    kind = "second-fault"
    targets = ("site",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_third(scene, arguments)
        site = arguments["site"]
        other = scene.sites[lost_beside(scene, site)]
        node = desks(scene, site, other.name)[0]
        await_well(lab, node, scene.source)
        says = f"in the middle of a drain of {site} {other.name} ({len(other.hosts)} hosts) loses power"
        return Aim(site, other.hosts, "", says, names=(node, scene.source, other.name))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """at: when the addresses were first to move; the power goes a moment later."""
        node, source, other = aim.names
        with begin_drain(lab, node, source, aim.site) as command:
            begun = command.await_move("prefer", followed=True)
            at = lab.power_cut(aim.nodes)
            command.end(DEADLINE_S)
            moves = [move.what for move in command.moves]
        came = settled(lab, node, source, aim.site, at + DEADLINE_S - time.monotonic())
        case = {
            "who": "another site", "victim": other, "step": "prefer", "told": moves,
            "came_to": came or "neither", "seconds": round(time.monotonic() - at, 3),
        }  # fmt: skip
        return Struck(begun, {"cases": [case]})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        """Power first: to come back a site has to be seen by a quorum. Agents may have drained the other one meanwhile."""
        node, source, other = aim.names
        end_drains(lab, node)
        lab.power_on(aim.nodes)
        bring_back(lab, node, source, aim.site, other)
