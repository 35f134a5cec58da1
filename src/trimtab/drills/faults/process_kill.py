"""The processes of a unit are killed with SIGKILL. Its supervisor restarts it, so there is nothing to
restore."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim
from trimtab.drills.faults.vip_holder import find_vip_holder
from trimtab.drills.scene import LabLike, Scene


class ProcessKill:
    """of: `vip-holder`, the front unit on the proxy that holds the site's VIPs."""

    kind = "process-kill"
    places = ("vip-holder",)

    def aim(self, lab: LabLike, scene: Scene, site: str, of: str) -> Aim:
        place = scene.site(site)
        holder = find_vip_holder(lab, place)
        return Aim(
            site,
            (holder,),
            place.front_unit,
            f"{place.front_unit} on {holder}, which holds the VIPs, is killed",
        )

    def strike(self, lab: LabLike, aim: Aim) -> float:
        return lab.kill(aim.nodes[0], aim.unit, "KILL")

    def restore(self, lab: LabLike, aim: Aim) -> None:
        return None
