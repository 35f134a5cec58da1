"""An upstream tells us what is not its to tell; we must neither take it, nor pass anything on from one upstream to another.

Beside the leak it tells one route that is its own, which is taken: so a session that hears nothing is not taken for a good filter.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from trimtab.daemons.frr import wire as frr
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.node_exec import ask, whatever_it_exits
from trimtab.drills.scene import LabLike, Scene, Upstream
from trimtab.errors import EnvironmentUnable

OWN, LEAKED = "45.99.0.0/24", "45.99.1.0/24"
TIER_1 = 3356  # it buys from nobody, so nobody's peer has its routes to give
ARRIVES_S = 10.0
MAPS = ("nothing", "to-settled")  # what the twin's networks tell the estate by (lab/templates/bgpd.conf.j2)


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
        ask(lab, aim.names[0], frr.vtysh(told(asn_of(aim.names[0]))))
        at = time.monotonic()
        while not any(has(lab, router, OWN) for router in aim.nodes):
            if time.monotonic() > at + ARRIVES_S:
                why = f"no router of {aim.site} has {OWN} after {ARRIVES_S:g} s, which is the upstream's own to tell"
                raise EnvironmentUnable(why, "see `show bgp neighbors` there; try again")
            time.sleep(0.1)
        return Struck(at, {"own": OWN, "leaked": LEAKED, "by": aim.unit})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        ask(lab, aim.names[0], frr.vtysh(untold(asn_of(aim.names[0]))))


def leaker(upstreams: Iterable[Upstream]) -> Upstream:
    """The first that is no transit, for it may not tell of AS3356 at all; where there are transits alone, the first."""
    return min(
        (up for up in upstreams if up.speaker == "frr"), key=lambda up: (up.role == "transit", up.name)
    )


def asn_of(node: str) -> str:
    """The twin names a network after its AS."""
    return node.removeprefix("as")


def told(asn: str) -> list[str]:
    """What makes FRR tell both routes to all that it has sessions with."""
    lines = [
        f"ip prefix-list leak-own seq 5 permit {OWN}",
        f"ip prefix-list leak-other seq 5 permit {LEAKED}",
    ]
    for name in MAPS:
        lines += [f"route-map {name} permit 4", "match ip address prefix-list leak-own", "exit"]
        lines += [f"route-map {name} permit 5", "match ip address prefix-list leak-other"]
        lines += [f"set as-path prepend {TIER_1} 50000", "exit"]
    networks = [f"network {OWN}", f"network {LEAKED}"]
    return [
        *lines,
        f"router bgp {asn}",
        "address-family ipv4 unicast",
        *networks,
        "end",
        "clear bgp ipv4 unicast * soft out",
    ]


def untold(asn: str) -> list[str]:
    """As it was. A line that is not there any more is said and passed over."""
    lines = [
        f"router bgp {asn}",
        "address-family ipv4 unicast",
        f"no network {OWN}",
        f"no network {LEAKED}",
        "exit",
        "exit",
    ]
    for name in MAPS:
        lines += [f"no route-map {name} permit 4", f"no route-map {name} permit 5"]
    gone = ["no ip prefix-list leak-own", "no ip prefix-list leak-other"]
    return [*lines, *gone, "end", "clear bgp ipv4 unicast * soft out"]


def has(lab: LabLike, router: str, prefix: str) -> bool:
    """Does one of our routers use a route of another network for it?"""
    said = ask(lab, router, whatever_it_exits("birdc", "show", "route", "table", "wan4", prefix))
    return f"{prefix} " in said
