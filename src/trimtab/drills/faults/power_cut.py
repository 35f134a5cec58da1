"""The power goes: nothing is said to anybody, then everything is dead. It comes back with the same disks."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim
from trimtab.drills.faults.vip_holder import find_vip_holder
from trimtab.drills.scene import LabLike, Scene


class PowerCut:
    """of: `site`, all its hosts at once; `vip-holder`, the proxy that holds the site's VIPs."""

    kind = "power-cut"
    places = ("site", "vip-holder")

    def aim(self, lab: LabLike, scene: Scene, site: str, of: str) -> Aim:
        place = scene.site(site)
        if of == "site":
            return Aim(site, place.hosts, "", f"{site} loses power ({len(place.hosts)} hosts)")
        holder = find_vip_holder(lab, place)
        return Aim(site, (holder,), "", f"{holder}, which holds the VIPs of {site}, loses power")

    def strike(self, lab: LabLike, aim: Aim) -> float:
        return lab.power_cut(aim.nodes)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        lab.power_on(aim.nodes)
