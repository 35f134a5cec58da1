"""The regions of the twin: where clients are, which transit carries them, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address
from typing import Any

from trimtab.estate.addressing import FAMILIES
from trimtab.estate.inventory import Inventory
from trimtab.estate.place import distance_km, round_trip
from trimtab.estate.service import Service
from trimtab.lab.topology import Leg, Node, Segment
from trimtab.lab.transit import Transit, one_way_ms
from trimtab.render.artifact import Artifact

CA_FILE = "/etc/trimtab/ca.pem"
SOURCES = 200


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """number: r of 198.19.r.0/24.  nearest: the site that DNS would name."""

    name: str
    number: int
    at: tuple[float, float]
    nearest: str
    transit: Transit

    @property
    def node(self) -> str:
        return f"clients-{self.name}"

    @property
    def net4(self) -> IPv4Network:
        return IPv4Network(f"198.19.{self.number}.0/24")

    @property
    def base6(self) -> IPv6Address:
        return IPv6Address(f"2001:db8:{0xFE00 + self.number:x}::")

    def link(self, end: int) -> tuple[str, str]:
        """Addresses of the access link: end 1 is the transit, end 2 the clients.

        The sources are routed behind the clients' end: on-link, each would take a place in the kernel's neighbour
        table, whose limit of 1,024 is shared by all namespaces of a machine.
        """
        return f"100.126.{self.number}.{end}", f"fd65::{self.number:x}:{end}"

    def sources(self) -> dict[str, list[str]]:
        return {
            "4": [str(self.net4[10 + i]) for i in range(SOURCES)],
            "6": [str(self.base6 + 10 + i) for i in range(SOURCES)],
        }


def regions(inventory: Inventory, nets: list[Transit]) -> list[RegionPlan]:
    """Every region, sorted by name; `default` always exists."""
    first = inventory.estate.sites[inventory.site_names()[0]].at
    stated = {name: region.at or first for name, region in inventory.estate.regions.items()}
    stated.setdefault("default", first)
    serving = [s for s in inventory.site_names() if inventory.front(s)]
    found = []
    for number, (name, at) in enumerate(sorted(stated.items()), 1):
        nearest = min((distance_km(inventory.estate.sites[s].at, at), i, s) for i, s in enumerate(serving))[2]
        transit = nets[min((distance_km(t.at, at), t.asn, i) for i, t in enumerate(nets))[2]]
        found.append(RegionPlan(name, number, at, nearest, transit))
    return found


def attach(region: RegionPlan) -> Segment:
    """Give the region's transit a leg towards it; returns the segment."""
    segment = f"access.{region.name}"
    v4, v6 = region.link(1)
    region.transit.legs.append(Leg(f"r{region.number}", segment, (f"{v4}/30", f"{v6}/126")))
    prefixes = (str(region.net4), f"{region.base6}/48")
    region.transit.regions += [
        {"v": v, "prefix": prefix, "via": via}
        for v, prefix, via in zip((4, 6), prefixes, region.link(2), strict=True)
    ]
    return Segment(segment, one_way_ms(region.transit.at, region.at))


def targets(inventory: Inventory, region: RegionPlan) -> list[dict[str, Any]]:
    """One target a service: where a client of this region sends its requests."""
    found = []
    for name, service in sorted(inventory.estate.services.items()):
        addresses = [
            str(vips[region.nearest])
            for f in FAMILIES
            if region.nearest in (vips := inventory.service_vips(service, f))
        ]
        found.append(
            {
                "service": name,
                "host": service.names[-1],
                "path": read_path(inventory, service),
                "addresses": addresses,
            }
        )
    return found


def read_path(inventory: Inventory, service: Service) -> str:
    """A path that the service answers with 200: its catch-all route's check, or `/`."""
    for route in service.routes:
        if route.matches_all and route.pool:
            return inventory.estate.pools[route.pool].check.get or "/"
    return "/"


def node(inventory: Inventory, region: RegionPlan, ca: str) -> Node:
    sources = region.sources()
    hosts = ["127.0.0.1 localhost", "::1 localhost"]
    for target in targets(inventory, region):
        names = " ".join(inventory.estate.services[target["service"]].names)
        hosts += [f"{address} {names}" for address in target["addresses"]]
    return Node(
        name=region.node,
        kind="clients",
        legs=(Leg("eth0", f"access.{region.name}", (f"{region.link(2)[0]}/30", f"{region.link(2)[1]}/126")),),
        loopback=tuple(f"{a}/32" for a in sources["4"]) + tuple(f"{a}/128" for a in sources["6"]),
        routes=_default_routes(region, sources),
        sysctls=(("net.ipv4.ip_local_port_range", "1024 65535"), ("net.ipv4.tcp_tw_reuse", "1")),
        files=(
            Artifact("/etc/hosts", "\n".join(hosts) + "\n"),
            Artifact(CA_FILE, ca),
        ),
    )


def _default_routes(region: RegionPlan, sources: dict[str, list[str]]) -> tuple[str, ...]:
    """Out by the transit; what does not choose a source gets the first one."""
    v4, v6 = region.link(1)
    return f"default via {v4} src {sources['4'][0]}", f"-6 default via {v6} src {sources['6'][0]}"


def facts(inventory: Inventory, region: RegionPlan) -> dict[str, Any]:
    sites = inventory.estate.sites
    return {
        "node": region.node,
        "nearest": region.nearest,
        "transit": region.transit.name,
        "sources": region.sources(),
        "rtt_ms": {s: round(1000 * round_trip(region.at, sites[s].at), 1) for s in inventory.site_names()},
        "targets": targets(inventory, region),
    }
