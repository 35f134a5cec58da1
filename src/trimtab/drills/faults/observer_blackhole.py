"""Observers that cannot see a site endpoint which everybody else sees: its answers to them are lost on the way back.

The packets are dropped where they arrive. A route that leads nowhere would be an error of the observer's own host, and an
observer that cannot ask says nothing of whom it could not ask.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from trimtab.agent_config import PATH, load
from trimtab.drills.drain_outcome import await_well
from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.preconditions import desks, needs_drained, needs_watched, scene_of
from trimtab.drills.node_exec import ask
from trimtab.drills.operator import needs_leave
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import EnvironmentUnable

TABLE = "trimtab_blackhole"
RULES = """\
add table inet {table}
delete table inet {table}
table inet {table} {{
    set fronts4 {{ type ipv4_addr; }}
    set fronts6 {{ type ipv6_addr; }}
    chain hear {{
        type filter hook input priority 0;
        ip saddr @fronts4 {what}drop
        ip6 saddr @fronts6 {what}drop
    }}
}}
"""


class ObserverBlackhole:
    """of: `one-vantage`: the observers of one other site hear nothing of the site's endpoint; `every-vantage`: no observer
    hears anything but pings of any, so that every site is called unhealthy, which is what agents drain a site for; `one-front`:
    the same of the site alone.
    """

    kind = "observer-blackhole"
    targets = ("one-vantage", "every-vantage", "one-front")

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        (needs_drained if of == "one-front" else needs_watched)(scene, arguments)
        site, node = arguments["site"], desks(scene, arguments["site"])[0]
        await_well(lab, node, scene.source)
        if of == "one-front":
            needs_leave(lab, node, scene.source, site)
        if of != "one-vantage":
            nodes = tuple(host for each in scene.sites.values() for host in each.registries)
            whose, names = (
                ("any", fronts(lab, node))
                if of == "every-vantage"
                else (f"{site}'s", fronts(lab, node, site))
            )
            says = f"no observer of any site ({len(nodes)}) hears more than pings of {whose} endpoint"
            return Aim(site, nodes, "tcp", says, names=names)
        vantage = scene.site_of(node)
        nodes = scene.sites[vantage].registries
        says = f"the observers of {vantage} hear no answer of {site}'s endpoint; everybody else does"
        return Aim(site, nodes, "", says, names=fronts(lab, node, site))

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        for node in aim.nodes:
            ask(lab, node, ["nft", "-f", "-"], rules(aim.names, aim.unit))
        scene = scene_of(lab)
        return Struck(at, {"vantage": sorted({scene.site_of(node) for node in aim.nodes})})

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for node in aim.nodes:
            ask(lab, node, ["nft", "-f", "-"], f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


def fronts(lab: LabLike, node: str, site: str = "") -> tuple[str, ...]:
    """The addresses that the agent of this host asks of a site, or of all of them. Raises EnvironmentUnable for none."""
    watch = load(ask(lab, node, ["cat", PATH])).watch
    found = [
        a for front in (watch.fronts if watch else ()) if site in ("", front.site) for a in front.addresses
    ]
    if not found:
        raise EnvironmentUnable(
            f"{node} looks at no site endpoint of {site or 'any site'}",
            "a site is looked at by the first service with `address: site`",
        )
    return tuple(found)


def rules(addresses: Sequence[str], protocol: str = "") -> str:
    """An nft ruleset that loses what comes from these, all of it or one protocol; loading it twice is the same as once."""
    text = RULES.format(table=TABLE, what=f"meta l4proto {protocol} " if protocol else "")
    for address in addresses:
        name = "fronts6" if ":" in address else "fronts4"
        text += f"add element inet {TABLE} {name} {{ {address} }}\n"
    return text
