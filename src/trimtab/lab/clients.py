"""The regions of the twin: where clients are, which transits carry them, and what they ask for.

A region is an access network of its own with BGP to the transits, so that the loss of one of them is what it is outside, a
change of path, and so that a site on another continent is reached straight and not through a nearer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address
from typing import Any

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import CONFIG, timers
from trimtab.daemons.bird.unit import bird
from trimtab.errors import BadInput
from trimtab.estate.addressing import FAMILIES, Family
from trimtab.estate.inventory import Inventory
from trimtab.estate.place import distance_km, round_trip
from trimtab.estate.reached import reached_at
from trimtab.lab.ranges import Ranges
from trimtab.lab.template import template
from trimtab.lab.topology import Leg, Node, Segment
from trimtab.lab.transit import CUSTOMER, PLAIN, Transit, one_way_ms

CA_FILE = "/etc/trimtab/ca.pem"
SOURCES = 200
ACCESSES = 8  # beyond them a transit is reached through the nearest: its prefixes by a default route
MOST_REGIONS = 250
FIRST_ASN = 4_200_000_000  # RFC 6996: private use, and nobody's in an estate by accident
LINK_LENGTH: dict[Family, int] = {4: 30, 6: 126}


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """number: of its /24 and /48 in the ranges.  nearest: the site that DNS would name.  transits: the nearest first, at most
    `ACCESSES`.
    """

    name: str
    number: int
    at: tuple[float, float]
    nearest: str
    transits: tuple[Transit, ...]
    ranges: Ranges

    @property
    def node(self) -> str:
        return f"clients-{self.name}"

    @property
    def net4(self) -> IPv4Network:
        return IPv4Network((self.ranges.clients4[0] + 256 * self.number, 24))

    @property
    def base6(self) -> IPv6Address:
        return self.ranges.clients6[0] + (self.number << 80)

    @property
    def asn(self) -> int:
        return FIRST_ASN + self.number

    def segment(self, index: int) -> str:
        return f"access.{self.name}.{self.transits[index].name}"

    def link(self, index: int, end: int) -> dict[Family, str]:
        """Addresses of an access link: end 1 is the transit, end 2 the clients.

        The sources are routed behind the clients' end: on-link, each would take a place in the kernel's neighbour
        table, whose limit of 1,024 is shared by all namespaces of a machine.
        """
        return {
            4: str(self.ranges.access4[0] + 256 * self.number + 4 * index + end),
            6: str(self.ranges.access6[0] + (self.number << 16) + 4 * index + end),
        }

    def sources(self) -> dict[str, list[str]]:
        return {
            "4": [str(self.net4[10 + i]) for i in range(SOURCES)],
            "6": [str(self.base6 + 10 + i) for i in range(SOURCES)],
        }


def regions(inventory: Inventory, nets: list[Transit], ranges: Ranges) -> list[RegionPlan]:
    """Every region, sorted by name; `default` always exists. Raises BadInput for what no twin can have."""
    first = inventory.estate.sites[inventory.site_names()[0]].at
    stated = {name: region.at or first for name, region in inventory.estate.regions.items()}
    stated.setdefault("default", first)
    serving = [s for s in inventory.site_names() if inventory.front(s)]
    if not serving:
        raise BadInput(
            "no site has proxies: there is nothing for clients to ask", "add `proxy: 2` to a site's hosts"
        )
    if len(stated) > MOST_REGIONS:
        raise BadInput(
            f"{len(stated)} regions, a twin has at most {MOST_REGIONS}", "take some out of `regions`"
        )
    found = []
    for number, (name, at) in enumerate(sorted(stated.items()), 1):
        nearest = min((distance_km(inventory.estate.sites[s].at, at), i, s) for i, s in enumerate(serving))[2]
        near = tuple(sorted(nets, key=lambda t: (distance_km(t.at, at), *_rank(t)))[:ACCESSES])
        found.append(RegionPlan(name, number, at, nearest, near, ranges))
    return found


def _rank(transit: Transit) -> tuple[int, int]:
    """At the same place a network that meets us at an exchange comes before one that we pay."""
    return ("member", "peer", "transit", "cloud").index(transit.kind), transit.asn


def attach(region: RegionPlan, told_s: float) -> list[Segment]:
    """Give the region's transits a leg and a session towards it; returns the segments, whose ends are told after told_s."""
    segments = []
    for index, transit in enumerate(region.transits):
        near, far = region.link(index, 1), region.link(index, 2)
        addresses = tuple(f"{near[f]}/{LINK_LENGTH[f]}" for f in FAMILIES)
        transit.legs.append(Leg(f"r{region.number}", region.segment(index), addresses))
        for family in FAMILIES:
            transit.sessions.append({
                "name": f"access_{region.number}_{family}", "v": family, "local": near[family], "peer": far[family],
                "asn": region.asn, **PLAIN, "customer": True, "region": True, "pref": CUSTOMER - index,
            })  # fmt: skip
        segments.append(Segment(region.segment(index), one_way_ms(transit.at, region.at), told_s))
    return segments


def tell_farthest(nets: list[Transit], found: list[RegionPlan]) -> None:
    """Each transit learns which region it waits for: the farthest, of those that others carry if there are such."""
    for transit in nets if found else []:
        foreign = [region for region in found if transit not in region.transits] or found
        region = max(foreign, key=lambda each: (distance_km(transit.at, each.at), each.name))
        transit.beyond = {family: region.sources()[str(family)][0] for family in FAMILIES}


def targets(inventory: Inventory, region: RegionPlan) -> list[dict[str, Any]]:
    """One target a service: where a client of this region sends its requests."""
    found = []
    for name, service in sorted(inventory.estate.services.items()):
        addresses = [
            str(each) for f in FAMILIES for each in reached_at(inventory, service, region.nearest, f)
        ]
        if not addresses:  # it is asked from inside alone
            continue
        found.append(
            {
                "service": name,
                "host": service.names[-1],
                "path": read_path(),
                "addresses": addresses,
            }
        )
    return found


def read_path() -> str:
    """A path that is nobody's health check: checks may lie, and then clients are served all the same."""
    return "/"


def node(inventory: Inventory, region: RegionPlan, ca: str) -> Node:
    sources = region.sources()
    hosts = ["127.0.0.1 localhost", "::1 localhost"]
    for target in targets(inventory, region):
        names = " ".join(inventory.estate.services[target["service"]].names)
        hosts += [f"{address} {names}" for address in target["addresses"]]
    unit = bird(router=False)
    return Node(
        name=region.node,
        kind="clients",
        legs=tuple(_leg(region, index) for index in range(len(region.transits))),
        loopback=tuple(f"{a}/32" for a in sources["4"]) + tuple(f"{a}/128" for a in sources["6"]),
        sysctls=(("net.ipv4.ip_local_port_range", "1024 65535"), ("net.ipv4.tcp_tw_reuse", "1")),
        files=(
            Artifact("/etc/hosts", "\n".join(hosts) + "\n"),
            Artifact(CA_FILE, ca),
            Artifact(CONFIG, _bird(inventory, region)),
            unit,
        ),
        units=("bird.service",),
    )


def _leg(region: RegionPlan, index: int) -> Leg:
    addresses = tuple(f"{region.link(index, 2)[f]}/{LINK_LENGTH[f]}" for f in FAMILIES)
    return Leg(f"eth{index}", region.segment(index), addresses)


def _bird(inventory: Inventory, region: RegionPlan) -> str:
    """Out by the nearest of those that carry the destination themselves, else by the nearest; what does not choose a source
    gets the first one.
    """
    sources = region.sources()
    upstreams = [
        {
            "name": transit.name, "asn": transit.asn, "local": region.link(index, 2), "peer": region.link(index, 1),
            "pref": 200 - index, "prepend": index,
        }
        for index, transit in enumerate(region.transits)
    ]  # fmt: skip
    return template("clients.conf.j2").render(
        name=region.name,
        router_id=region.link(0, 2)[4],
        asn=region.asn,
        prefixes={4: region.net4, 6: f"{region.base6}/48"},
        sources={4: sources["4"][0], 6: sources["6"][0]},
        upstreams=upstreams,
        **timers(inventory),
    )


def facts(inventory: Inventory, region: RegionPlan) -> dict[str, Any]:
    sites = inventory.estate.sites
    return {
        "node": region.node,
        "nearest": region.nearest,
        "transits": [transit.name for transit in region.transits],
        "sources": region.sources(),
        "rtt_ms": {s: round(1000 * round_trip(region.at, sites[s].at), 1) for s in inventory.site_names()},
        "targets": targets(inventory, region),
    }
