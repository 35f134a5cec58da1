"""More clients than a proxy has places for: they connect to the site's addresses, ask nothing, and stay."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.load.flood import PID
from trimtab.drills.node_exec import ask_if_there
from trimtab.drills.scene import LabLike, Region, Scene
from trimtab.errors import BadInput, EnvironmentUnable

BEYOND = 1000  # connections more than there are places
MOST = 2000  # `maxconn`, beyond which the clients of one machine are not enough
SECONDS, LIMIT_S = 120.0, 60.0
END = f"test -e {PID} && kill $(cat {PID}) && rm -f {PID} || :"


class Flood:
    """of: the `vips` of a site: so many idle connections from the region nearest to it, over TCP and TLS."""

    kind = "flood"
    targets = ("vips",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_few_places(scene, arguments)
        place = scene.site(arguments["site"])
        region, many = _region(scene, place.name), scene.maxconn + BEYOND
        says = (
            f"{many:,} clients in {region.name} connect to {place.name}, over TCP and TLS, and ask nothing; "
            f"`maxconn` is {scene.maxconn:,}"
        )
        told = {
            "addresses": place.client_addresses,
            "name": region.targets[0].host,
            "connections": many,
            "seconds": SECONDS,
        }
        return Aim(place.name, (region.node,), "", says, names=(json.dumps(told),))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """Returns once every client has tried. Raises EnvironmentUnable."""
        at, (node,) = time.monotonic(), aim.nodes
        self.restore(lab, aim)
        process = lab.popen(
            node,
            [sys.executable, "-m", "trimtab.drills.load.flood"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        late = threading.Timer(LIMIT_S, process.kill)
        late.start()
        try:
            process.stdin.write(f"{aim.names[0]}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise EnvironmentUnable(f"{node}: the flood ended, or had not tried all after {LIMIT_S:g} s")
        return Struck(at, json.loads(line))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for node in aim.nodes:
            ask_if_there(lab, node, ["sh", "-c", END])


def needs_few_places(scene: Scene, arguments: Arguments) -> None:
    """Raises BadInput where one machine's clients do not fill a proxy."""
    if scene.maxconn > MOST:
        raise BadInput(
            f"`tiers.proxy.maxconn` is {scene.maxconn}: a flood of one machine's clients does not fill that",
            f"try it in an estate with at most {MOST}",
        )
    _region(scene, arguments["site"])


def _region(scene: Scene, site: str) -> Region:
    """The first that is nearest to the site. Raises BadInput."""
    for region in scene.regions.values():
        if region.nearest == site and region.targets:
            return region
    raise BadInput(f"no region is nearest to {site}", "name another site with --site")
