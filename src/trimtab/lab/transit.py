"""The Internet of the twin: one transit network for each upstream AS, in a full mesh, near sites preferred over far ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Literal

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG, timers
from trimtab.daemons.bird.peerings import bfd_line
from trimtab.daemons.bird.unit import bird
from trimtab.daemons.probe import ReadyCheck
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import Session, on_every_link
from trimtab.estate.place import distance_km, round_trip
from trimtab.estate.quantity import Timer
from trimtab.lab import frr
from trimtab.lab.ranges import Ranges
from trimtab.lab.template import template
from trimtab.lab.topology import Leg, Node, Segment
from trimtab.lab.uplinks import Link, Wire, our_legs, their_address

CUSTOMER, PEER = 400, 200
# What a session has that nobody of the estate has stated.
PLAIN: dict[str, Any] = {
    "customer": False, "settled": False, "region": False, "bfd": "", "bfd_timer": None, "multihop": None, "gtsm": False,
    "interface": None, "channels": None, "role": None, "password": None, "hosts": None,
}  # fmt: skip


@dataclass(slots=True)
class Transit:
    """One upstream network while it is being put together. at: the place of the first site that it serves. beyond: an
    address in the farthest region by family, which it knows once it has met the others; empty without regions.
    loopback: what it has behind the wire.  kind: `peer` and `member` (of an exchange) carry nobody to us but their clients;
    a `cloud` has a site of ours in it.  speaker: what it speaks BGP with.  own: prefixes that are its own to tell, by family.
    discard: by family an address that leads nowhere, for what its customers have dropped.
    """

    asn: int
    at: tuple[float, float]
    index: int
    legs: list[Leg] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    beyond: dict[Family, str] = field(default_factory=dict)
    loopback: list[str] = field(default_factory=list)
    kind: Literal["transit", "peer", "member", "cloud"] = "transit"
    speaker: Literal["frr", "bird"] = "frr"
    own: dict[Family, list[str]] = field(default_factory=dict)
    discard: dict[Family, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"as{self.asn}"


def transits(inventory: Inventory) -> list[Transit]:
    """Every upstream AS once, by number; a route server carries nothing itself."""
    found: dict[int, tuple[float, float]] = {}
    carriers: set[int] = set()
    for site in inventory.site_names():
        for upstream in inventory.estate.sites[site].upstreams.values():
            if upstream.role != "route-server":
                found.setdefault(upstream.asn, inventory.estate.sites[site].at)
            if upstream.role == "transit":
                carriers.add(upstream.asn)
    return [
        Transit(asn, at, i, kind="transit" if asn in carriers else "peer", speaker=runs(inventory, asn))
        for i, (asn, at) in enumerate(sorted(found.items()))
    ]


def runs(inventory: Inventory, asn: int) -> Literal["frr", "bird"]:
    """What a network speaks BGP with.

    FRR 8.4 takes a session with GTSM for one of several hops, and then its BFD is not ours: such a network runs BIRD.
    """
    upstreams = [
        up for site in inventory.estate.sites.values() for up in site.upstreams.values() if up.asn == asn
    ]
    if any(up.role == "route-server" or (up.ttl_security and up.bfd) for up in upstreams):
        return "bird"
    return inventory.estate.twin.peers


def one_way_ms(a: tuple[float, float], b: tuple[float, float]) -> float | None:
    """Delay of a wire by distance; None below half a millisecond, where a plain bridge does."""
    delay = round_trip(a, b) * 500
    return round(delay, 2) if delay >= 0.5 else None


def connect(
    inventory: Inventory, nets: list[Transit], found: list[Link], passwords: dict[str, str], ranges: Ranges
) -> tuple[list[Segment], dict[str, list[Leg]]]:
    """Sessions and legs of all transits. Returns the segments, and host → its uplink legs."""
    for transit in nets:
        transit.discard = {4: str(ranges.mesh4[-2]), 6: str(ranges.mesh6[-2])}
    segments = _join(inventory, {t.asn: t for t in nets}, found, passwords)
    mesh = _mesh(nets, ranges, inventory.estate.tiers.router.bfd.detection)
    return segments + mesh, dict(our_legs(found))


def session_to(site: str, upstream: str) -> str:
    """What the sessions to the routers of a site begin with. BIRD's symbols have no `-`, and no name has an `H`."""
    return f"to_{site}_{upstream}_".replace("-", "H")


def _join(
    inventory: Inventory, nets: dict[int, Transit], found: list[Link], passwords: dict[str, str]
) -> list[Segment]:
    """Each upstream stands on the wire of its sessions; an exchange's machines are put there by `exchange.py`."""
    wires: dict[str, Wire] = {}
    ends: dict[str, set[str]] = {}
    for link in found:
        wires.setdefault(link.wire.name, link.wire)
        ends.setdefault(link.wire.name, set()).add(link.session.host.name)
        ends[link.wire.name].add(f"{link.session.declared.asn} {link.session.peer}")
        if link.session.declared.role != "route-server":
            _one(inventory, nets[link.session.declared.asn], link, passwords)
    for wire in wires.values():
        for transit in nets.values():
            if transit.name in wire.theirs:
                interface = f"s{inventory.estate.sites[wire.site].id}u{wire.first}"
                addresses = tuple(dict.fromkeys(wire.theirs[transit.name]))
                transit.legs.append(Leg(interface, wire.name, addresses))
    own = {name: wire for name, wire in wires.items() if not wire.lan}
    return [Segment(name, _delay(inventory, nets, wire, len(ends[name]))) for name, wire in own.items()]


def _delay(inventory: Inventory, nets: dict[int, Transit], wire: Wire, ends: int) -> float | None:
    """Only a cable with two ends has a length of its own."""
    site = inventory.estate.sites[wire.site]
    transit = nets.get(site.upstreams[wire.upstream].asn)
    return (
        one_way_ms(transit.at, site.at) if transit is not None and len(wire.ours) == 1 and ends <= 3 else None
    )


def _one(inventory: Inventory, transit: Transit, link: Link, passwords: dict[str, str]) -> None:
    """A session of a transit or a peer with one of our hosts."""
    session, upstream = link.session, link.session.declared
    declared = inventory.estate.sites[session.host.site]
    on_wire, behind = their_address(link)
    if on_wire is not None:
        link.wire.theirs.setdefault(transit.name, []).append(str(on_wire))
    if behind is not None:
        transit.loopback.append(f"{behind}/{behind.max_prefixlen}")
    rank = int(distance_km(transit.at, declared.at) // 200)
    transit.sessions.append({
        "name": f"{session_to(session.host.site, session.upstream)}{session.host.number}_{session.family}",
        "v": session.family, "local": session.peer, "peer": session.local.ip,
        "asn": inventory.asn(session.host.site), "customer": upstream.role != "peer", "settled": upstream.role == "peer",
        "region": False, "bfd": bfd_line(upstream.bfd), "bfd_timer": _timer(upstream.bfd),
        "multihop": upstream.multihop, "gtsm": upstream.ttl_security,
        "interface": f"s{inventory.estate.sites[link.wire.site].id}u{link.wire.first}" if on_every_link(session.peer) else None,
        "channels": session.families,
        "role": {"transit": "provider", "peer": "peer", "customer": "customer"}[upstream.role],
        "password": passwords.get(f"{session.host.site}/{session.upstream}"), "pref": max(300, CUSTOMER - rank),
        "hosts": _hosts(inventory, session),
    })  # fmt: skip


def _hosts(inventory: Inventory, session: Session) -> dict[str, Any] | None:
    """What it drops on request: hosts of the prefixes that this site may announce, with the community that it has for that.
    None: nothing.
    """
    asked = session.declared.blackhole
    if asked is None:
        return None
    prefixes = {f: [str(p) for p in inventory.announced(session.host.site, f)] for f in FAMILIES}
    return {"prefixes": prefixes, "community": asked.parts, "large": asked.large}


def _timer(stated: bool | Timer) -> Timer | None:
    return None if isinstance(stated, bool) else stated


def _mesh(nets: list[Transit], ranges: Ranges, told_s: float) -> list[Segment]:
    segments = []
    for i, a in enumerate(nets):
        for b in nets[i + 1 :]:
            segment = f"ix.{a.asn}.{b.asn}"
            segments.append(Segment(segment, one_way_ms(a.at, b.at), told_s))
            base4, base6 = ranges.peering(a.index * len(nets) + b.index, a.index, b.index)
            a.legs.append(Leg(b.name, segment, (f"{base4 + 1}/30", f"{base6 + 1}/126")))
            b.legs.append(Leg(a.name, segment, (f"{base4 + 2}/30", f"{base6 + 2}/126")))
            for base in (base4, base6):
                _peering(nets, a, b, base + 1, base + 2)
                _peering(nets, b, a, base + 2, base + 1)
    return segments


def _peering(nets: list[Transit], own: Transit, other: Transit, local: Any, peer: Any) -> None:
    near = sorted((t for t in nets if t is not own), key=lambda t: (distance_km(own.at, t.at), t.asn))
    own.sessions.append({
        "name": f"{other.name}_{local.version}", "v": local.version, "local": local, "peer": peer, "asn": other.asn,
        **PLAIN, "pref": PEER - near.index(other),
    })  # fmt: skip


def node(inventory: Inventory, transit: Transit) -> Node:
    """The transit as a machine of the twin."""
    values: dict[str, Any] = {
        "asn": transit.asn,
        "router_id": IPv4Address("100.127.255.0") + transit.index + 1,
        "sessions": transit.sessions,
        "beyond": transit.beyond,
        "own": transit.own,
        "discard": transit.discard,
        **timers(inventory),
    }
    return Node(
        name=transit.name,
        kind="transit",
        legs=tuple(transit.legs),
        loopback=tuple(dict.fromkeys(transit.loopback)),
        sysctls=(
            ("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"), ("net.ipv4.conf.all.rp_filter", "0"),
            ("net.ipv4.fib_multipath_hash_policy", "1"), ("net.ipv6.fib_multipath_hash_policy", "1"),
        ),
        files=_files(inventory, transit, values),
        units=frr.UNITS if transit.speaker == "frr" else ("bird.service",),
    )  # fmt: skip


def _files(inventory: Inventory, transit: Transit, values: dict[str, Any]) -> tuple[Artifact, ...]:
    if transit.speaker == "frr":
        return frr.files(inventory, transit.name, values)
    return Artifact(CONFIG, template("transit.conf.j2").render(**values)), bird(router=False)


def checks(transit: Transit) -> list[ReadyCheck]:
    """Its sessions are up. BIRD's are found in its file, as those of the estate's hosts."""
    if transit.speaker == "bird":
        return []
    neighbours = tuple(str(session["peer"]) for session in transit.sessions)
    what = f"{transit.name}: {len(neighbours)} BGP sessions"
    return [ReadyCheck("frr-bgp", what, (transit.name,), neighbours)]


def hears(transit: Transit) -> str:
    """The kind of check whether it has a route."""
    return "frr-route" if transit.speaker == "frr" else "route"
