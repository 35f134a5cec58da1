"""One file a probe: what is asked of the estate itself before, during and after a fault, beside what clients see.

`PROBES` maps the name under which a checker wants it to `look(lab, scene, site)`, which gives JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab.drills.probes import (
    addresses,
    agents,
    arbiter,
    black_hole,
    carriers,
    catchment,
    defence,
    healing,
    leak,
    membership,
    proxies,
    releases,
    route,
    store,
    versions,
    vip,
)
from trimtab.drills.scene import LabLike, Scene

Look = Callable[[LabLike, Scene, str], dict[str, Any]]
PROBES: Mapping[str, Look] = {
    "vip": vip.look,
    "route": route.look,
    "leak": leak.look,
    "carriers": carriers.look,
    "addresses": addresses.look,
    "catchment": catchment.look,
    "store": store.look,
    "workers": proxies.workers,
    "members": proxies.members,
    "membership": membership.look,
    "healing": healing.look,
    "versions": versions.look,
    "releases": releases.look,
    "arbiter": arbiter.look,
    "agents": agents.look,
    "defence": defence.look,
    "blackhole": black_hole.look,
}
