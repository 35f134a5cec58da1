"""The Internet of the twin: one transit network for each upstream AS, in a full mesh, near sites preferred over far ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG, timers
from trimtab.daemons.bird.unit import bird
from trimtab.estate import addressing
from trimtab.estate.addressing import Family
from trimtab.estate.inventory import Inventory
from trimtab.estate.place import distance_km, round_trip
from trimtab.lab.ranges import Ranges
from trimtab.lab.topology import Leg, Node, Segment

CUSTOMER, PEER = 400, 200


@dataclass(slots=True)
class Transit:
    """One upstream network while it is being put together. at: the place of the first site that it serves. beyond: an
    address in the farthest region by family, which it knows once it has met the others; empty without regions.
    """

    asn: int
    at: tuple[float, float]
    index: int
    legs: list[Leg] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    beyond: dict[Family, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"as{self.asn}"


def transits(inventory: Inventory) -> list[Transit]:
    """Every upstream AS once, by number."""
    found: dict[int, tuple[float, float]] = {}
    for site in inventory.site_names():
        for upstream in inventory.estate.sites[site].upstreams.values():
            found.setdefault(upstream.asn, inventory.estate.sites[site].at)
    return [Transit(asn, at, i) for i, (asn, at) in enumerate(sorted(found.items()))]


def one_way_ms(a: tuple[float, float], b: tuple[float, float]) -> float | None:
    """Delay of a wire by distance; None below half a millisecond, where a plain bridge does."""
    delay = round_trip(a, b) * 500
    return round(delay, 2) if delay >= 0.5 else None


def connect(
    inventory: Inventory, nets: list[Transit], passwords: dict[str, str], ranges: Ranges
) -> tuple[list[Segment], dict[str, list[Leg]]]:
    """Sessions and legs of all transits. Returns the segments, and host → its uplink legs."""
    segments, uplinks = _customers(inventory, {t.asn: t for t in nets}, passwords)
    return segments + _mesh(nets, ranges, inventory.estate.tiers.router.bfd.detection), uplinks


def session_to(site: str, upstream: str) -> str:
    """What the sessions to the routers of a site begin with. BIRD's symbols have no `-`, and no name has an `H`."""
    return f"to_{site}_{upstream}_".replace("-", "H")


def _customers(
    inventory: Inventory, nets: dict[int, Transit], passwords: dict[str, str]
) -> tuple[list[Segment], dict[str, list[Leg]]]:
    segments: list[Segment] = []
    uplinks: dict[str, list[Leg]] = {}
    for site in inventory.site_names():
        declared = inventory.estate.sites[site]
        for i, (name, upstream) in enumerate(sorted(declared.upstreams.items())):
            transit, segment = nets[upstream.asn], f"up.{site}.{name}"
            routers = inventory.routers(site)
            delay = one_way_ms(transit.at, declared.at) if len(routers) == 1 else None
            segments.append(Segment(segment, delay))
            own = tuple(f"{p}/{addressing.uplink_network(p).prefixlen}" for p in upstream.peer)
            transit.legs.append(Leg(f"s{declared.id}u{i}", segment, own))
            rank = int(distance_km(transit.at, declared.at) // 200)
            for router in routers:
                theirs = tuple(
                    f"{p + router.number}/{addressing.uplink_network(p).prefixlen}" for p in upstream.peer
                )
                uplinks.setdefault(router.name, []).append(Leg(f"up{i}", segment, theirs))
                for peer in upstream.peer:
                    transit.sessions.append({
                        "name": f"{session_to(site, name)}{router.number}_{peer.version}",
                        "v": peer.version, "local": peer, "peer": peer + router.number,
                        "asn": inventory.asn(site), "customer": True, "region": False, "bfd": upstream.bfd,
                        "password": passwords.get(f"{site}/{name}"), "pref": max(300, CUSTOMER - rank),
                    })  # fmt: skip
    return segments, uplinks


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
        "customer": False, "region": False, "bfd": False, "password": None, "pref": PEER - near.index(other),
    })  # fmt: skip


@lru_cache(maxsize=2)
def template(name: str) -> Template:
    """A template of the twin's own networks."""
    env = Environment(
        loader=PackageLoader("trimtab.lab", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return env.get_template(name)


def node(inventory: Inventory, transit: Transit) -> Node:
    """The transit as a machine of the twin; it runs the same BIRD under the same kind of unit."""
    text = template("transit.conf.j2").render(
        asn=transit.asn,
        router_id=IPv4Address("100.127.255.0") + transit.index + 1,
        sessions=transit.sessions,
        beyond=transit.beyond,
        **timers(inventory),
    )
    unit = bird(router=False)
    return Node(
        name=transit.name,
        kind="transit",
        legs=tuple(transit.legs),
        sysctls=(
            ("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"), ("net.ipv4.conf.all.rp_filter", "0"),
            ("net.ipv4.fib_multipath_hash_policy", "1"), ("net.ipv6.fib_multipath_hash_policy", "1"),
        ),
        files=(Artifact(CONFIG, text), unit),
        units=("bird.service",),
    )  # fmt: skip
