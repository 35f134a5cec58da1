"""One family of IP fails on a site's ways to the Internet, the other one is well: a broken tunnel, a filter, a dead line card."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.node_exec import ask
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput

TABLE = "trimtab_family"
# Neighbour discovery too: to its neighbours the router is away in this family.
RULES = """\
add table inet {table}
delete table inet {table}
table inet {table} {{
    set uplinks {{ type ifname; elements = {{ {uplinks} }} }}
    chain hear {{
        type filter hook prerouting priority -300;
        iifname @uplinks meta nfproto {family} drop
    }}
    chain say {{
        type filter hook postrouting priority 300;
        oifname @uplinks meta nfproto {family} drop
    }}
}}
"""


class FamilyCut:
    """of: `ipv4` or `ipv6`, on all links of a site to its upstreams."""

    kind = "family-cut"
    targets = ("ipv4", "ipv6")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        if not place.upstreams:
            raise BadInput(f"{place.name} has no upstream", "name another site with --site")
        interfaces = sorted({name for up in place.upstreams.values() for name in up.interfaces})
        if not interfaces:
            why = f"{place.name}'s upstreams stand in its hosts' own network: nothing of a family could be cut there alone"
            raise BadInput(why, "name another site with --site")
        says = (
            f"{place.name} loses {of.replace('ip', 'IP')} with {', '.join(place.upstreams)}, and nothing else"
        )
        return Aim(place.name, place.speakers, of, says, names=tuple(interfaces))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        for host in aim.nodes:
            ask(lab, host, ["nft", "-f", "-"], rules(aim.names, aim.unit))
        return Struck(at)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for host in aim.nodes:
            ask(lab, host, ["nft", "-f", "-"], f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


def rules(uplinks: tuple[str, ...], family: str) -> str:
    """An nft ruleset; loading it twice is the same as once."""
    quoted = ", ".join(f'"{name}"' for name in uplinks)
    return RULES.format(table=TABLE, uplinks=quoted, family=family)
