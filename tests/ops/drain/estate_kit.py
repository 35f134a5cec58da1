"""Three sites whose agents are the real ones, around one store and a BIRD each that fit on a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.agent.control_kit import FakeRegistry, now, until
from tests.agent.part_kit import PartAgent
from tests.agent.steer_kit import OURS, FakeBird

from trimtab.agent_config import (
    AgentFile,
    ArbiterFile,
    Front,
    RegistryAccess,
    SiteFile,
    SteerFile,
    WatchFile,
)
from trimtab.daemons.bird.wire import Prefix, Route
from trimtab.daemons.front.judge import Answer, Probe
from trimtab.ops.arbiter.world import Limits, Request, SiteState
from trimtab.ops.drain.coordinator import Coordinator
from trimtab.ops.drain.granting import Watching
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.plan import Finished, Move
from trimtab.ops.health.record import views_of

SITES = ("hk", "la", "sg")
ACCESS = RegistryAccess("etcd", ("https://10.1.96.10:2383",), "/trimtab/shop")
OK, ILL = "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n\r\n"


def at_once() -> ArbiterFile:
    """Agents that ask by themselves as soon as a quorum says so: walls' clocks stand still here."""
    sites = {site: SiteFile((f"{site}-router-1",), (f"{site}-proxy-1",)) for site in SITES}
    return ArbiterFile(
        sites, SITES, None, floor=1, members=50.0, changes=6, window=3600.0, load=None, settle=2.0, patience=0.0,
        restore=0.0,
    )  # fmt: skip


class Internet:
    """fronts: how each site's endpoint answers.  birds: what their upstreams were told."""

    def __init__(self) -> None:
        self.fronts = dict.fromkeys(SITES, OK)
        self.birds: dict[str, Bird] = {}
        self.blind: set[str] = set()  # vantage points that cannot reach anybody else

    def hears(self, site: str, prefix: Prefix) -> bool:
        return any(prefix in told for told in self.birds[site].told.values())

    def prober(self, vantage: str) -> Any:
        async def probe(kind: Probe, front: Front, address: str) -> Answer:
            await asyncio.sleep(0.001)
            if not self.fronts[front.site] or (vantage in self.blind and front.site != vantage):
                return Answer(kind, "silent", "no answer within 1 s")
            return Answer(kind, "came", self.fronts[front.site] if kind == "https" else "")

        return probe


class Bird(FakeBird):
    """Each site's prefixes are the same here; whose they are is told by who is asked about."""

    def __init__(self, conf: Path, internet: Internet, others: Sequence[str]) -> None:
        super().__init__(conf)
        self._internet, self._others = internet, others

    async def routes(self, prefix: Prefix, table: str = "") -> tuple[Route, ...]:
        heard = any(self._internet.hears(site, prefix) for site in self._others)
        return (Route(prefix, "unicast", "up_x4", table, True),) if heard else ()


class SiteAgent(PartAgent):
    """The estate's part of an agent that looks and steers."""

    def __init__(
        self,
        site: str,
        store: FakeRegistry,
        internet: Internet,
        folder: Path,
        watched: str,
        arbiter: ArbiterFile | None = None,
    ) -> None:
        fronts = tuple(Front(each, (f"192.0.2.{n}",), "shop.example") for n, each in enumerate(SITES, 1))
        announced = {v: tuple(str(p) for p in OURS if str(p.version) == v) for v in ("4", "6")}
        file = AgentFile(
            f"{site}-router-1", site, "shop", "10.1.0.10", 8407, "systemd", estate_store=ACCESS,
            steer=SteerFile(announced, {watched: tuple(str(p) for p in OURS)} if watched != site else {}),
            watch=WatchFile(fronts, ("https", "tcp"), 2.0, 1.0, 3, 2), arbiter=arbiter,
        )  # fmt: skip
        super().__init__(file, folder / site)
        self.bird = Bird(self.paths.state / "steer.conf", internet, [watched])
        internet.birds[site] = self.bird
        self.begin(store, self.bird, internet.prober(site))

    def announces(self) -> str:
        """plain, graceful, nothing, or a mix."""
        told = {frozenset(marks) for each in self.bird.told.values() for marks in each.values()}
        if not told:
            return "nothing"
        return "mixed" if len(told) > 1 else "graceful" if next(iter(told)) else "plain"


class Estate:
    """watched: the site whose routes the others' upstreams are asked for."""

    def __init__(
        self, folder: Path, watched: str = "hk", limits: Limits | None = None, automatic: bool = False
    ) -> None:
        self.folder, self.watched, self.limits = folder, watched, limits or Limits()
        self.arbiter = at_once() if automatic else None
        self.store, self.internet = FakeRegistry(), Internet()
        self.agents: dict[str, SiteAgent] = {}
        self.moves: list[Move] = []

    async def __aenter__(self) -> Estate:
        for site in SITES:
            self.agents[site] = SiteAgent(
                site, self.store, self.internet, self.folder, self.watched, self.arbiter
            )
        await until(lambda: all(self.said(site) == "plain" for site in SITES) and self.seen())
        return self

    async def __aexit__(self, *_: object) -> None:
        for agent in self.agents.values():
            await agent.end()

    def seen(self) -> bool:
        """Every observer knows every site, and has said so."""
        views = views_of(self.store.records)
        return len(views) == len(SITES) and all(
            reading.https is not None for view in views for reading in view.readings.values()
        )

    def said(self, site: str) -> str:
        return self.agents[site].announces()

    def coordinator(self, store: Any = None) -> Coordinator:
        """store: another way to it."""
        sites = {site: SiteState(site) for site in SITES}
        routers = {site: (f"{site}-router-1",) for site in SITES}
        facts = Facts(sites, routers, self.limits)
        return Coordinator(store or self.store, facts, Watching(SITES), self.moves.append, now=now)

    async def drain(self, site: str, **other: Any) -> Finished:
        return await self.coordinator().drain(Request("drain-site", site, site, "ann", "works", **other))

    async def ramp(self, site: str, *prepends: int, pause_s: float = 0.2) -> Finished:
        """Brought back over these steps."""
        coordinator = self.coordinator()
        coordinator._ramp, coordinator._pause_s = prepends, pause_s
        return await coordinator.undrain(site, "ann", "done")

    async def undrain(self, site: str) -> Finished:
        return await self.coordinator().undrain(site, "ann", "done")

    def kept(self, kind: str) -> list[str]:
        return sorted(key for key in self.store.records if key.startswith(f"{kind}/"))
