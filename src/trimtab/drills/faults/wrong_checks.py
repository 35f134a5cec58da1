"""Health checks that say what is not so: members that serve are called unhealthy, in turns or all at once."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import HOSTS
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene
from trimtab.lab.storefront import ILL

TIMES, EACH_SECONDS = 12, 0.6
FLAP = (
    f"for _ in $(seq {TIMES}); do touch {ILL}; sleep {EACH_SECONDS}; rm -f {ILL}; sleep {EACH_SECONDS}; done"
)


class Flap:
    """of: a `backend`, whose check fails and succeeds in turns."""

    kind = "flap"
    targets = ("backend",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        nodes, who = HOSTS[of](lab, scene, arguments)
        says = f"the checks of {who} fail and succeed in turns of {EACH_SECONDS:g} s, {TIMES} times"
        return Aim(place.name, nodes, "", says)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        process = lab.popen(aim.nodes[0], ["sh", "-c", FLAP])
        try:
            process.wait(timeout=4 * TIMES * EACH_SECONDS)
        finally:
            process.kill()
            process.wait()
        return Struck(at)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        ask(lab, aim.nodes[0], ["rm", "-f", ILL])


class Lie:
    """of: `every-backend`: all checks of all sites fail at once, while every page is served as before."""

    kind = "lie"
    targets = ("every-backend",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        nodes, who = HOSTS[of](lab, scene, arguments)
        return Aim(arguments["site"], nodes, "", f"every health check of {who} fails at once")

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        for node in aim.nodes:
            ask(lab, node, ["touch", ILL])
        return Struck(at)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for node in aim.nodes:
            ask(lab, node, ["rm", "-f", ILL])
