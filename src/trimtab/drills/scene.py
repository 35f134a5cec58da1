"""The few things a drill needs of a running twin, as protocols and a reading of its facts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.frr import wire as frr
from trimtab.daemons.serving import Serving
from trimtab.daemons.table import table
from trimtab.drills.load.spec import Target
from trimtab.errors import BadInput

OnWait = Callable[[list[str]], None]


class LabLike(Protocol):
    """What drills use of `trimtab.lab.client.Lab`; tests bring their own."""

    @property
    def scratch(self) -> Path: ...
    def status(self) -> dict[str, Any]: ...
    def popen(
        self, node: str, argv: Sequence[str], *, first: bool = False, **popen_kw: Any
    ) -> subprocess.Popen[Any]: ...
    def power_cut(self, nodes: Sequence[str]) -> float: ...
    def power_on(self, nodes: Sequence[str], release: str | None = None) -> None: ...
    def programs(self, node: str, release: str) -> None: ...
    def kill(self, node: str, unit: str, signal: str = "KILL") -> float: ...
    def unit(self, node: str, unit: str, verb: Literal["start", "stop", "restart", "reload"]) -> None: ...
    def deliver(self, node: str, artifacts: Sequence[Artifact]) -> dict[str, Any]: ...
    def cut_cables(self, segments: Sequence[str]) -> float: ...
    def mend_cables(self, segments: Sequence[str]) -> None: ...
    def wait_ready(self, timeout: float, on_wait: OnWait | None = None) -> float: ...


@dataclass(frozen=True, slots=True)
class Upstream:
    """A network that carries a site. transit: its node; peers: its addresses; sessions: BIRD's names on our routers.
    role: as the estate has it; interfaces: ours towards it; speaker: what it runs; heard: what it calls its sessions with the
    site, if that is BIRD; ours: our addresses in them; drops: it accepts black holes.
    """

    name: str
    transit: str
    segment: str
    peers: tuple[str, ...]
    sessions: tuple[str, ...]
    heard: str = ""
    speaker: str = "bird"
    ours: tuple[str, ...] = ()
    role: str = "transit"
    interfaces: tuple[str, ...] = ()
    drops: bool = False

    @property
    def runs_frr(self) -> bool:
        return self.speaker == frr.NAME


@dataclass(frozen=True, slots=True)
class Site:
    """hosts: all of them; proxies: those that share the VIPs; front_unit: the unit which serves on them.

    backends: members of pools; backend_unit: what answers on them.  links: private segment by other site.
    prefixes: the site's own public ones.  across: by pool with members here the sites that are asked without them.
    units: of the hosts' daemons, each with the hosts that run it.  speakers: hosts that speak BGP with the upstreams, by
    speaker_unit.  public: by proxy the addresses that are its alone, where clients come to each apart.
    moved: VRRP moves the VIPs.  announcers: proxies that announce by themselves.  asn: 0 where the twin does not say it.
    """

    name: str
    hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    front_unit: str
    vips: tuple[str, ...]
    routers: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    backend_unit: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    across: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    speakers: tuple[str, ...] = ()
    speaker_unit: str = ""
    public: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved: bool = True
    announcers: tuple[str, ...] = ()
    asn: int = 0

    @property
    def one_holds(self) -> bool:
        """Is there one proxy that has all VIPs, and no other has any?"""
        return bool(self.vips) and (self.moved or len(self.proxies) == 1)

    @property
    def client_addresses(self) -> tuple[str, ...]:
        """Where its clients come to."""
        return self.vips or tuple(address for own in self.public.values() for address in own)


@dataclass(frozen=True, slots=True)
class Store:
    """An application's own store, or the estate's. hosts: its members; client_port: where each of them is asked. secured:
    by HTTPS, with the host's own certificate.
    """

    name: str
    hosts: tuple[str, ...]
    client_port: int
    secured: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """A route's traffic between pools. host: where clients meet it; shares: as the estate has them; ports: by pool,
    that of its members.
    """

    host: str
    shares: Mapping[str, int]
    ports: Mapping[str, int]

    @property
    def canary(self) -> str:
        """The pool with the smallest share; of several the last by name."""
        return min(sorted(self.shares, reverse=True), key=lambda pool: self.shares[pool])


@dataclass(frozen=True, slots=True)
class Region:
    """Where clients are. node: runs their processes; sources: their addresses by family ("4", "6").

    transits: the networks that carry them, the preferred first.  away_s: the round trip to each site, in seconds.
    """

    name: str
    node: str
    nearest: str
    sources: Mapping[str, tuple[str, ...]]
    targets: tuple[Target, ...]
    transits: tuple[str, ...] = ()
    away_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """How orders are placed and read back.

    Url: of the service that takes them, for commands which ask for it.
    """

    put: tuple[str, ...]
    get: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Rpki:
    """units: of the validators, by node; file: what they serve.  foreign: prefixes whose ROAs name nobody here.  table: of a
    transit's kernel, whose routes it tells as its own.  mark: second part of the community that says why a route is refused.
    """

    units: Mapping[str, tuple[str, ...]]
    file: str
    foreign: tuple[str, ...]
    table: int
    mark: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A twin's facts in the drills' own types. objectives: rto_s, write_rto_s, write_rpo, where promised.
    source: the estate's file. estate_store: None where the estate has no store of its own. automatic: agents drain sites.
    rpki: None where no validator is asked.  announced: every prefix that is told to other networks.  vantages: these networks'
    machines, each with what it speaks BGP with.
    """

    estate: str
    sites: Mapping[str, Site]
    regions: Mapping[str, Region]
    ledger: Ledger | None
    objectives: Mapping[str, float | None]
    ca: str
    engine: str
    stores: tuple[Store, ...] = ()
    configuration: str = "unknown"
    splits: Mapping[str, Split] = field(default_factory=dict)
    source: str = ""
    estate_store: Store | None = None
    automatic: bool = True
    maxconn: int = 20000
    rpki: Rpki | None = None
    announced: tuple[str, ...] = ()
    vantages: Mapping[str, str] = field(default_factory=dict)

    @property
    def serving(self) -> Serving:
        """What the engine of the proxies says of itself. Raises BadInput."""
        return table().engine(self.engine)

    @property
    def announcing(self) -> frozenset[str]:
        """Machines on which it hangs who hears which prefix where: speakers, proxies with their anchor, other networks."""
        own = (
            host for site in self.sites.values() for host in (*site.routers, *site.speakers, *site.proxies)
        )
        return frozenset((*own, *self.vantages))

    def site_of(self, host: str) -> str:
        """The site of a host. Raises BadInput for one that the twin has not."""
        for site in self.sites.values():
            if host in site.hosts:
                return site.name
        raise BadInput(f"no host {host!r}", "see trimtab lab status")

    def busiest_site(self) -> str:
        """The site nearest to most clients; of several the first."""
        nearest = [region.nearest for region in self.regions.values()]
        return max(self.sites, key=nearest.count)

    def site(self, name: str) -> Site:
        """Raises BadInput for a site that the twin has not."""
        if name not in self.sites:
            raise BadInput(f"no site {name!r}", f"there are: {', '.join(self.sites)}")
        return self.sites[name]


def read_scene(facts: Mapping[str, Any]) -> Scene:
    """The `facts` of a twin's status. Raises KeyError where one is missing, which is a fault of the twin."""
    regions = {name: _region(name, found) for name, found in facts["regions"].items()}
    return Scene(
        estate=facts["estate"],
        source=facts.get("source", ""),
        estate_store=_estate_store(facts.get("estate_store")),
        automatic=facts.get("automatic", True),
        sites={name: _site(name, found) for name, found in facts["sites"].items()},
        regions=regions,
        ledger=_ledger(facts.get("ledger"), facts["regions"]),
        objectives=dict(facts.get("objectives", {})),
        ca=facts["ca"],
        engine=facts["engine"],
        maxconn=int(facts.get("maxconn", 20000)),
        stores=tuple(
            Store(name, tuple(found["hosts"]), int(found["client_port"]))
            for name, found in facts.get("stores", {}).items()
        ),
        configuration=facts.get("configuration", "unknown"),
        rpki=_rpki(facts.get("rpki")),
        announced=tuple(facts.get("announced", ())),
        vantages=dict(facts.get("vantages", {})),
        splits={
            name: Split(
                found["host"],
                {pool: int(share) for pool, share in found["shares"].items()},
                {pool: int(port or 0) for pool, port in found["ports"].items()},
            )
            for name, found in facts.get("splits", {}).items()
        },
    )


def _site(name: str, found: Mapping[str, Any]) -> Site:
    upstreams = {
        each: Upstream(
            each,
            told["transit"],
            told["segment"],
            tuple(told["peers"]),
            tuple(told["sessions"]),
            told["heard"],
            told["speaker"],
            tuple(told["ours"]),
            told["role"],
            tuple(told["interfaces"]),
            bool(told.get("drops")),
        )
        for each, told in found.get("upstreams", {}).items()
    }
    return Site(
        name,
        tuple(found["hosts"]),
        tuple(found["proxies"]),
        found["front_unit"],
        tuple(found["vips"]),
        tuple(found.get("routers", ())),
        tuple(found.get("backends", ())),
        found.get("backend_unit", ""),
        dict(found.get("links", {})),
        upstreams,
        tuple(found.get("prefixes", ())),
        tuple(found.get("registries", ())),
        {pool: tuple(sites) for pool, sites in found.get("across", {}).items()},
        {unit: tuple(hosts) for unit, hosts in found.get("units", {}).items()},
        tuple(found.get("speakers", ())),
        found.get("speaker_unit", ""),
        {proxy: tuple(own) for proxy, own in found.get("public", {}).items()},
        bool(found.get("moved", True)),
        tuple(found.get("announcers", ())),
        int(found.get("asn", 0)),
    )


def _rpki(found: Mapping[str, Any] | None) -> Rpki | None:
    if not found:
        return None
    units = {node: tuple(each) for node, each in found["units"].items()}
    return Rpki(units, found["file"], tuple(found["foreign"]), int(found["table"]), int(found["mark"]))


def _estate_store(found: Mapping[str, Any] | None) -> Store | None:
    return Store("estate", tuple(found["hosts"]), int(found["client_port"]), True) if found else None


def _region(name: str, found: Mapping[str, Any]) -> Region:
    targets = tuple(
        Target(
            each["service"],
            each["host"],
            each["path"],
            address,
            int(each.get("port", 443)),
            _beside(address, each),
        )
        for each in found["targets"]
        for address in each["addresses"]
    )
    sources = {family: tuple(addresses) for family, addresses in found["sources"].items()}
    transits = tuple(found.get("transits", ()))
    away = {site: ms / 1000 for site, ms in found.get("rtt_ms", {}).items()}
    return Region(name, found["node"], found["nearest"], sources, targets, transits, away)


def _beside(address: str, target: Mapping[str, Any]) -> tuple[str, ...]:
    """The name's other addresses of the same family, in the order in which one after this one would be tried."""
    same = [each for each in target["addresses"] if (":" in each) == (":" in address)]
    at = same.index(address)
    return (*same[at + 1 :], *same[:at])


def _ledger(found: Mapping[str, Any] | None, regions: Mapping[str, Any]) -> Ledger | None:
    if not found:
        return None
    service = found["service"]
    targets = [
        target for region in regions.values() for target in region["targets"] if target["service"] == service
    ]
    port = int(targets[0].get("port", 443)) if targets else 443
    url = f"https://{targets[0]['host']}{'' if port == 443 else f':{port}'}" if targets else ""
    return Ledger(tuple(found["put"]), tuple(found["get"]), url)
