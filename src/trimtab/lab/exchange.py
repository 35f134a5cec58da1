"""Exchanges in the twin: a machine for each route server, and one other member, who is a network with clients.

What comes over a route server goes between members straight: the member's packets meet our router on the LAN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG
from trimtab.daemons.bird.unit import bird
from trimtab.errors import BadInput
from trimtab.estate.base import IPAddress
from trimtab.estate.inventory import Inventory
from trimtab.lab.route_server import Client, configuration
from trimtab.lab.topology import Leg, Node
from trimtab.lab.transit import CUSTOMER, PLAIN, Transit
from trimtab.lab.uplinks import Link, Wire

FIRST_MEMBER = 420_000  # nobody has it, and no filter takes it for an AS number that nobody can have


@dataclass(frozen=True, slots=True)
class Server:
    """One route server. peers: its addresses, one a family.  links: our sessions with it."""

    site: str
    upstream: str
    asn: int
    wire: Wire
    peers: tuple[IPAddress, ...]
    links: tuple[Link, ...]

    @property
    def node(self) -> str:
        return server_node(self.site, self.upstream)


def server_node(site: str, upstream: str) -> str:
    """The machine that is a site's upstream of the role `route-server`."""
    return f"rs-{site}-{upstream}"


def servers(found: Sequence[Link]) -> list[Server]:
    """Every route server that the estate speaks with, once for each site."""
    grouped: dict[tuple[str, str], list[Link]] = {}
    for link in found:
        if link.session.declared.role == "route-server":
            grouped.setdefault((link.session.host.site, link.session.upstream), []).append(link)
    return [
        Server(site, name, own[0].session.declared.asn, own[0].wire, own[0].session.declared.peer, tuple(own))
        for (site, name), own in grouped.items()
    ]


def members(inventory: Inventory, found: Sequence[Server], first: int) -> list[Transit]:
    """One a LAN, at the place of its site. first: the index of the first among the twin's networks."""
    made: list[Transit] = []
    for number, wire in enumerate(_wires(found)):
        transit = Transit(
            FIRST_MEMBER + number, inventory.estate.sites[wire.site].at, first + number, kind="member"
        )
        own = _addresses(wire, found)
        wire.theirs.setdefault(transit.name, []).extend(own.values())  # its leg comes with all others' there
        for server in (s for s in found if s.wire is wire):
            transit.sessions += [
                _session(server, peer, own[peer.version]) for peer in server.peers if peer.version in own
            ]
        made.append(transit)
    return made


def _wires(found: Sequence[Server]) -> list[Wire]:
    return list({server.wire.name: server.wire for server in found}.values())


def _addresses(wire: Wire, found: Sequence[Server]) -> dict[int, str]:
    """By family: the highest address of the LAN that nobody has. Raises BadInput for a LAN that has none."""
    taken = {each.partition("/")[0] for own in (*wire.ours.values(), *wire.theirs.values()) for each in own}
    taken |= {str(peer) for server in found for peer in server.peers}
    own: dict[int, str] = {}
    for net in sorted(wire.networks, key=str):
        last = net.num_addresses - 2
        free = next((n for n in range(last, max(last - 1000, 0), -1) if str(net[n]) not in taken), None)
        if free is None:
            raise BadInput(
                f"{net} has no address for another member of the exchange", "a route server stands in a LAN"
            )
        own.setdefault(net.version, f"{net[free]}/{net.prefixlen}")
    return own


def _session(server: Server, peer: IPAddress, own: str) -> dict[str, Any]:
    return {
        "name": f"rs_{server.site}_{server.upstream}_{peer.version}".replace("-", "H"), "v": peer.version,
        "local": own.partition("/")[0], "peer": peer, "asn": server.asn,
        **PLAIN, "settled": True, "role": "rs_client", "pref": CUSTOMER - 50,
    }  # fmt: skip


def node(inventory: Inventory, server: Server, other: Transit, passwords: dict[str, str]) -> Node:
    """The route server as a machine; it forwards nothing."""
    clients = [
        Client(
            inventory.asn(link.session.host.site), str(link.session.local.ip),
            passwords.get(f"{server.site}/{server.upstream}", ""),
        )
        for link in server.links
    ]  # fmt: skip
    for session in other.sessions:
        if session["peer"] in server.peers:
            clients.append(Client(other.asn, session["local"]))
    networks = sorted(server.wire.networks, key=str)
    own = tuple(f"{peer}/{net.prefixlen}" for peer in server.peers for net in networks if peer in net)
    router_id = next((str(p) for p in server.peers if p.version == 4), f"100.127.254.{1 + len(clients)}")
    text = configuration(server.asn, router_id, tuple(map(str, networks)), tuple(clients))
    return Node(
        name=server.node,
        kind="transit",
        legs=(Leg("lan", server.wire.name, own),),
        files=(Artifact(CONFIG, text), bird(router=False)),
        units=("bird.service",),
    )
