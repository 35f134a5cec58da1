"""What a rule looks at: the estate, its text with marks, and what is derived from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from trimtab.checks.finding import Finding
from trimtab.checks.peer_data import PeerData
from trimtab.checks.roas import RoaSource
from trimtab.daemons.serving import Serving
from trimtab.estate.estate import Estate
from trimtab.estate.fault import Loc
from trimtab.estate.hardware import Hardware
from trimtab.estate.inventory import Inventory
from trimtab.estate.lans import group_of
from trimtab.estate.objectives import Objectives
from trimtab.estate.pool import Pool
from trimtab.estate.service import Route
from trimtab.estate.steering import Steering
from trimtab.estate.tree import Tree
from trimtab.timing.budget import Budget, budgets
from trimtab.timing.layout import engine

# A secret reference → its value, or None where it cannot be read here.
SecretReader = Callable[[str], str | None]


def no_secrets(_: str) -> str | None:
    """Reads none: what a secret holds is unknown."""
    return None


@dataclass(frozen=True)
class Subject:
    """One estate under judgement. today and secret come from the edge; findings only for the rules that run last.
    roas: who says what of the estate's prefixes, as it could be read here.  peer_data: files about peers.
    """

    estate: Estate
    tree: Tree
    inventory: Inventory
    today: date = date.min
    secret: SecretReader = no_secrets
    findings: tuple[Finding, ...] = field(default=())
    roas: tuple[RoaSource, ...] = ()
    peer_data: tuple[PeerData, ...] = ()

    @cached_property
    def engine(self) -> Serving:
        """What the engine of the proxies says of itself."""
        return engine(self.inventory)

    @cached_property
    def fronts(self) -> dict[str, int]:
        """Site → how many proxies; the sites that serve, by id."""
        counted = {site: len(self.inventory.front(site)) for site in self.inventory.site_names()}
        return {site: count for site, count in counted.items() if count}

    @cached_property
    def routes_to(self) -> dict[str, list[tuple[str, int, Route]]]:
        """Pool → (service, index, route) of the routes that lead to it."""
        found: dict[str, list[tuple[str, int, Route]]] = {}
        for name, index, route in self.routes():
            for pool in route.pools:
                found.setdefault(pool, []).append((name, index, route))
        return found

    @cached_property
    def owners(self) -> dict[str, str]:
        """Host name → its service."""
        return {host: name for name, service in self.estate.services.items() for host in service.names}

    def routes(self) -> Iterator[tuple[str, int, Route]]:
        for name, service in self.estate.services.items():
            for index, route in enumerate(service.routes):
                yield name, index, route

    def used_pools(self) -> Iterator[tuple[str, Pool]]:
        """The pools that some route leads to."""
        return ((name, pool) for name, pool in self.estate.pools.items() if name in self.routes_to)

    def promises(self) -> Iterator[tuple[Loc, str, Objectives]]:
        """(where, whose, what) of everything promised, each where it is written: a service's own without the estate's."""
        yield ("objectives",), "the estate", self.estate.objectives
        for name, service in self.estate.services.items():
            yield ("services", name, "objectives"), name, service.objectives

    def strictest_rto(self) -> float | None:
        """The shortest outage that is promised to readers anywhere, in seconds."""
        stated = [o.rto for _, _, o in self.promises() if o.rto is not None]
        return min(stated, default=None)

    def steerings(self) -> Iterator[tuple[Loc, Steering]]:
        """Every steering that is written."""
        if self.estate.edge.steering:
            yield ("edge", "steering"), self.estate.edge.steering
        for name, service in self.estate.services.items():
            if service.steering:
                yield ("services", name, "steering"), service.steering

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """What each fault costs, as predicted; several rules read it."""
        return budgets(self.inventory)

    def hardware(self, group: str) -> Hardware | None:
        """What the hosts of a group are; None is unknown."""
        found = group_of(self.estate, group)
        return self.estate.hardware.get(found.hardware) if found and found.hardware else None

    def setting(self, own: str, *keys: str) -> tuple[Loc, int]:
        """(where, what) of a kernel setting: `kernel.sysctl` wins over the key of its own. keys: its sysctl names."""
        for key in keys:
            value = self.estate.kernel.sysctl.get(key, "")
            if value.isascii() and value.isdigit():
                return ("kernel", "sysctl", key), int(value)
        return ("kernel", own), int(getattr(self.estate.kernel, own))

    def scalars(self) -> Iterator[tuple[Loc, str]]:
        """Every value of the file as text, with its path."""
        return _scalars(self.tree.root, ())


def _scalars(value: object, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(item, (*loc, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scalars(item, (*loc, index))
