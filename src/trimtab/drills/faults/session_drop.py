"""BGP sessions end while the cable is whole: either nobody hears the other any more, or an operator shuts them."""

from __future__ import annotations

import time

from trimtab.drills.faults.base import Aim, Arguments, Struck
from trimtab.drills.faults.targets import upstream
from trimtab.drills.node_exec import ask, tell
from trimtab.drills.scene import LabLike, Scene
from trimtab.errors import BadInput

TABLE = "trimtab_drill"
# RFC 4271: TCP port 179. RFC 5881: BFD control packets to UDP port 3784.
RULES = """\
add table inet {table}
delete table inet {table}
table inet {table} {{
    set peers4 {{ type ipv4_addr; }}
    set peers6 {{ type ipv6_addr; }}
    chain hear {{
        type filter hook input priority 0;
        ip saddr @peers4 meta l4proto {{ tcp, udp }} th dport {{ 179, 3784 }} drop
        ip saddr @peers4 tcp sport 179 drop
        ip6 saddr @peers6 meta l4proto {{ tcp, udp }} th dport {{ 179, 3784 }} drop
        ip6 saddr @peers6 tcp sport 179 drop
    }}
    chain say {{
        type filter hook output priority 0;
        ip daddr @peers4 meta l4proto {{ tcp, udp }} th dport {{ 179, 3784 }} drop
        ip daddr @peers4 tcp sport 179 drop
        ip6 daddr @peers6 meta l4proto {{ tcp, udp }} th dport {{ 179, 3784 }} drop
        ip6 daddr @peers6 tcp sport 179 drop
    }}
}}
"""


class SessionDrop:
    """of: one `upstream`: its BGP and BFD packets are lost in both directions, everything else passes."""

    kind = "session-drop"
    targets = ("upstream",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        found = upstream(place, arguments)
        says = f"the BGP sessions of {place.name} with {found.name} ({found.transit}) are lost; the cable is whole"
        return Aim(place.name, place.speakers, "", says, names=found.peers)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        at = time.monotonic()
        for router in aim.nodes:
            ask(lab, router, ["nft", "-f", "-"], rules(aim.names))
            at = max(at, time.monotonic()) if router == aim.nodes[0] else at
        return Struck(at)

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for router in aim.nodes:
            ask(lab, router, ["nft", "-f", "-"], f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


def rules(peers: tuple[str, ...]) -> str:
    """An nft ruleset that loses BGP and BFD with these peers; loading it twice is the same as once."""
    text = RULES.format(table=TABLE)
    for peer in peers:
        name = "peers6" if ":" in peer else "peers4"
        text += f"add element inet {TABLE} {name} {{ {peer} }}\n"
    return text


class Withdraw:
    """of: `upstreams`, all of a site's: the sessions are shut as an operator does it, with a Cease (RFC 4486)."""

    kind = "withdraw"
    targets = ("upstreams",)

    def aim(self, lab: LabLike, scene: Scene, arguments: Arguments, of: str) -> Aim:
        place = scene.site(arguments["site"])
        if not place.upstreams:
            raise BadInput(f"{place.name} has no upstream to leave", "name another site with --site")
        names = tuple(session for up in place.upstreams.values() for session in up.sessions)
        says = f"{place.name} leaves the Internet as planned: its sessions with {', '.join(place.upstreams)} are shut"
        return Aim(place.name, place.speakers, "", says, names=names)

    def strike(self, lab: LabLike, aim: Aim) -> Struck:
        return Struck(min([self._all(lab, router, "disable", aim) for router in aim.nodes]))

    def restore(self, lab: LabLike, aim: Aim) -> None:
        for router in aim.nodes:
            self._all(lab, router, "enable", aim)

    def _all(self, lab: LabLike, router: str, verb: str, aim: Aim) -> float:
        """When BIRD was told."""
        return tell(lab, router, ["birdc"], "".join(f"{verb} {name}\n" for name in aim.names) + "quit\n")
