"""A site without anybody who serves: its backends lose power, and its proxies reach no other site's either.

Clients are answered by proxies that are well, and badly. Nothing leaves by itself then: it takes observers, and agents with patience.
"""

from __future__ import annotations

from trimtab.drills.drain_outcome import await_well
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.power_cut import PowerCut
from trimtab.drills.faults.preconditions import desks, needs_lonely
from trimtab.drills.node_exec import ask
from trimtab.drills.operator import needs_leave
from trimtab.drills.scene import LabLike, Scene
from trimtab.estate.addressing import PORTS

TABLE = "trimtab_lonely"
# Refused and not lost: that is what a proxy whose door is shut by mistake says.
RULES = f"""\
add table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
    chain say {{
        type filter hook output priority 0;
        oifname != "lo" tcp dport {PORTS["across"]} reject with tcp reset
    }}
}}
"""


class PoolLoss:
    """of: all `backends` of a site, and for its proxies those of other sites."""

    kind = "pool-loss"
    targets = ("backends",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        needs_lonely(scene, arguments)
        place = scene.site(arguments["site"])
        node = desks(scene, place.name)[0]
        await_well(lab, node, scene.source)
        needs_leave(lab, node, scene.source, place.name)
        says = f"every backend of {place.name} ({len(place.backends)}) loses power, and its proxies reach no other site's"
        return Aim(place.name, place.backends, "", says, names=place.proxies)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        """The doors first: nobody goes through them yet."""
        for proxy in aim.names:
            ask(lab, proxy, ["nft", "-f", "-"], RULES)
        return PowerCut().strike(lab, aim)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        PowerCut().restore(lab, aim)
        for proxy in aim.names:
            ask(lab, proxy, ["nft", "-f", "-"], f"add table inet {TABLE}\ndelete table inet {TABLE}\n")
