"""The few things a drill needs of a running twin, as protocols and a reading of its facts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trimtab.drills.load.spec import Target
from trimtab.errors import BadInput

OnWait = Callable[[list[str]], None]


class LabLike(Protocol):
    """What drills use of `trimtab.lab.client.Lab`; tests bring their own."""

    @property
    def scratch(self) -> Path: ...
    def status(self) -> dict[str, Any]: ...
    def popen(self, node: str, argv: Sequence[str], **popen_kw: Any) -> subprocess.Popen[Any]: ...
    def power_cut(self, nodes: Sequence[str]) -> float: ...
    def power_on(self, nodes: Sequence[str]) -> None: ...
    def kill(self, node: str, unit: str, signal: str = "KILL") -> float: ...
    def wait_ready(self, timeout: float, on_wait: OnWait | None = None) -> float: ...


@dataclass(frozen=True, slots=True)
class Site:
    """hosts: all of them; proxies: those that share the VIPs; front_unit: the unit which serves on them."""

    name: str
    hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    front_unit: str
    vips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Where clients are. node: runs their processes; sources: their addresses by family ("4", "6")."""

    name: str
    node: str
    nearest: str
    sources: Mapping[str, tuple[str, ...]]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """How orders are placed and read back.

    Url: of the service that takes them, for commands which ask for it.
    """

    put: tuple[str, ...]
    get: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A twin's facts in the drills' own types. objectives: rto_s, write_rto_s, write_rpo, where promised."""

    estate: str
    sites: Mapping[str, Site]
    regions: Mapping[str, Region]
    ledger: Ledger | None
    objectives: Mapping[str, float | None]
    ca: str

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
        sites={name: _site(name, found) for name, found in facts["sites"].items()},
        regions=regions,
        ledger=_ledger(facts.get("ledger"), facts["regions"]),
        objectives=dict(facts.get("objectives", {})),
        ca=facts["ca"],
    )


def _site(name: str, found: Mapping[str, Any]) -> Site:
    return Site(
        name, tuple(found["hosts"]), tuple(found["proxies"]), found["front_unit"], tuple(found["vips"])
    )


def _region(name: str, found: Mapping[str, Any]) -> Region:
    targets = tuple(
        Target(each["service"], each["host"], each["path"], address, int(each.get("port", 443)))
        for each in found["targets"]
        for address in each["addresses"]
    )
    sources = {family: tuple(addresses) for family, addresses in found["sources"].items()}
    return Region(name, found["node"], found["nearest"], sources, targets)


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
