"""The power goes: nothing is said to anybody, then everything is dead. It comes back with the same disks."""

from __future__ import annotations

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS, site_hit
from trimtab.drills.scene import LabLike, Scene


class PowerCut:
    """of: all hosts of a `site`, the `vip-holder` among its proxies, an `announcer` among those that announce by themselves, an
    `addressed` one among those that have public addresses of their own, all `proxies`, a `backend`, all `backends`, the
    `store-leader`, an `upstream` network, or all `route-servers` of a site."""

    kind = "power-cut"
    targets = (
        "site",
        "vip-holder",
        "announcer",
        "addressed",
        "proxies",
        "backend",
        "backends",
        "store-leader",
        "upstream",
        "route-servers",
    )

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        nodes, who = HOSTS[of](lab, scene, arguments)
        return Aim(site_hit(scene, arguments, nodes), nodes, "", f"{who} loses power")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(lab.power_cut(aim.nodes))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        lab.power_on(aim.nodes)
