"""The wires between the estate's hosts and other networks in the twin, and the sessions that those have with them.

An upstream with a network of its own has a wire of its own; who states the same network (an exchange's LAN) is on the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trimtab.estate.addressing import Vlan
from trimtab.estate.base import IPAddress, IPInterface, IPNetwork
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import Session, link_networks, on_every_link, sessions
from trimtab.lab.topology import Leg


@dataclass(slots=True)
class Wire:
    """A segment to be. network: of each family.  first: number of the upstream that brought it, in its site.
    site, upstream: the first that is on it.  ours: host → our addresses there.  theirs: the others' addresses, by whom.
    lan: it is a network of the site's own, which the hosts stand in anyway.
    """

    name: str
    site: str
    upstream: str
    first: int
    networks: set[IPNetwork] = field(default_factory=set)
    ours: dict[str, list[str]] = field(default_factory=dict)
    interfaces: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, list[str]] = field(default_factory=dict)
    lan: bool = False

    def our_leg(self, host: str) -> Leg:
        return Leg(self.interfaces[host], self.name, tuple(dict.fromkeys(self.ours[host])))


@dataclass(frozen=True, slots=True)
class Link:
    """One session and the wire that its first hop is on."""

    session: Session
    wire: Wire


def links(inventory: Inventory) -> list[Link]:
    """Every session with another network, with its wire; each wire knows our addresses on it."""
    found: list[Link] = []
    by_network: dict[IPNetwork, Wire] = {}
    lans: dict[str, Wire] = {}
    for site in inventory.site_names():
        for i, (name, upstream) in enumerate(sorted(inventory.estate.sites[site].upstreams.items())):
            wire = _wire(site, name, i, list(link_networks(inventory, site, upstream)), by_network)
            for session in sessions(inventory, site):
                if session.upstream != name:
                    continue
                if session.network == session.host.vlan.network(4 if session.family == 4 else 6):
                    found.append(Link(session, _lan(session, i, lans)))
                    continue
                host = session.host.name
                wire.ours.setdefault(host, []).append(str(session.local))
                wire.interfaces.setdefault(host, upstream.interface or f"up{wire.first}")
                found.append(Link(session, wire))
    return found


def lan_segment(site: str, vlan: Vlan) -> str:
    """The segment that is a network of a site."""
    return f"{site}.{vlan.name}"


def _lan(session: Session, number: int, lans: dict[str, Wire]) -> Wire:
    """The hosts' own network, where an upstream's machine is their switch."""
    name = lan_segment(session.host.site, session.host.vlan)
    wire = lans.setdefault(name, Wire(name, session.host.site, session.upstream, number, lan=True))
    wire.networks.add(session.network)
    return wire


def _wire(site: str, name: str, number: int, nets: Sequence[IPNetwork], known: dict[IPNetwork, Wire]) -> Wire:
    """Link-local networks are on every wire: they tell none from another."""
    own = [net for net in nets if not on_every_link(net)]
    wire = next((known[net] for net in own if net in known), None)
    if wire is None:
        wire = Wire(f"up.{site}.{name}", site, name, number)
    for net in own:
        known.setdefault(net, wire)
        wire.networks.add(net)
    return wire


def their_address(link: Link) -> tuple[IPInterface | None, IPAddress | None]:
    """(what the other end has on the wire, what it has behind it) for a session to come up."""
    session = link.session
    length = session.network.prefixlen
    if session.peer in session.network or on_every_link(session.peer):
        return type(session.local)(f"{session.peer}/{length}"), None
    via = session.declared.via_of(session.family)
    return (type(session.local)(f"{via}/{length}") if via is not None else None), session.peer


def our_legs(found: Sequence[Link]) -> Mapping[str, list[Leg]]:
    """Host → its legs on those wires, each once."""
    legs: dict[str, list[Leg]] = {}
    for link in found:
        host = link.session.host.name
        if link.wire.lan:
            continue
        leg = link.wire.our_leg(host)
        if leg not in legs.setdefault(host, []):
            legs[host].append(leg)
    return legs
