"""An upstream tells us what is not its to tell; we must neither take it, nor pass anything on from one upstream to another.

Beside the leak it tells one route that is its own, which is taken: so a session that hears nothing is not taken for a good filter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.told_by_frr import told, untold
from trimtab.drills.node_exec import ask
from trimtab.drills.probes.leak import LEAKED, OWN, has
from trimtab.drills.scene import LabLike, Scene, Upstream
from trimtab.errors import EnvironmentUnable

TIER_1 = 3356  # it buys from nobody, so nobody's peer has its routes to give
ARRIVES_S = 10.0
ROUTES = {OWN: (), LEAKED: (TIER_1, 50000)}


class Leak:
    """of: one `upstream`. It announces a route of its own, and one by way of a network that buys from nobody."""

    kind = "leak"
    targets = ("upstream",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        found = leaker(place.upstreams.values())
        says = f"{found.name} ({found.transit}) tells {place.name} what it has from AS{TIER_1}, beside a route of its own"
        return Aim(place.name, place.speakers, found.name, says, names=(found.transit,))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        ask(lab, aim.names[0], told(aim.names[0], ROUTES))
        at = time.monotonic()
        while not any(has(lab, router, OWN) for router in aim.nodes):
            if time.monotonic() > at + ARRIVES_S:
                why = f"no router of {aim.site} has {OWN} after {ARRIVES_S:g} s, which is the upstream's own to tell"
                raise EnvironmentUnable(why, "see `show bgp neighbors` there; try again")
            time.sleep(0.1)
        return Struck(at, {"own": OWN, "leaked": LEAKED, "by": aim.unit})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        ask(lab, aim.names[0], untold(aim.names[0], ROUTES))


def leaker(upstreams: Iterable[Upstream]) -> Upstream:
    """The first that is no transit, for it may not tell of AS3356 at all; where there are transits alone, the first."""
    return min((up for up in upstreams if up.runs_frr), key=lambda up: (up.role == "transit", up.name))
