"""Every daemon, by name: what a host, a build and the twin know of it. One line a room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TypeVar

from trimtab.daemons.agent.daemon import DAEMON as AGENT
from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.bird.daemon import DAEMON as BIRD
from trimtab.daemons.consul.daemon import DAEMON as CONSUL
from trimtab.daemons.curl.daemon import DAEMON as CURL
from trimtab.daemons.etcd.daemon import DAEMON as ETCD
from trimtab.daemons.exabgp.daemon import DAEMON as EXABGP
from trimtab.daemons.formats import FORMATS
from trimtab.daemons.front.daemon import DAEMON as FRONT
from trimtab.daemons.frr.daemon import DAEMON as FRR
from trimtab.daemons.haproxy.daemon import DAEMON as HAPROXY
from trimtab.daemons.keepalived.daemon import DAEMON as KEEPALIVED
from trimtab.daemons.networkd.daemon import DAEMON as NETWORKD
from trimtab.daemons.nginx.daemon import DAEMON as NGINX
from trimtab.daemons.outside import rooms
from trimtab.daemons.probe import Probe
from trimtab.daemons.serving import Serving
from trimtab.daemons.sysctl.daemon import DAEMON as SYSCTL
from trimtab.daemons.validator import Validator
from trimtab.errors import BadInput, EnvironmentUnable

T = TypeVar("T")

OURS = (BIRD, EXABGP, HAPROXY, NGINX, KEEPALIVED, FRONT, ETCD, CONSUL, NETWORKD, SYSCTL, AGENT, CURL, FRR)


class Table:
    """daemons, probes by kind, validators by name. Raises ValueError where two claim the same."""

    def __init__(self, every: Iterable[Daemon]) -> None:
        every = tuple(every)
        self.daemons: Mapping[str, Daemon] = once("daemons", ((each.name, each) for each in every))
        probes = ((probe.kind, probe) for each in every for probe in each.probes)
        self.probes: Mapping[str, Probe] = once("probes", probes)
        self.validators: Mapping[str, Validator] = once("validators", _validators(every))

    def judge(self, name: str) -> Validator:
        """Raises EnvironmentUnable: a daemon of another package is judged where that package is."""
        if (found := self.validators.get(name)) is None:
            raise EnvironmentUnable(
                f"nobody here can judge the files of `{name}`",
                "install the package that brings this daemon here too",
            )
        return found

    def engine(self, name: str) -> Serving:
        """What an engine of the proxies says of itself. Raises BadInput."""
        found = self.daemons.get(name)
        if found is None or found.serves is None:
            raise BadInput(
                f"no engine of proxies is called `{name}`", "install the package that brings it here too"
            )
        return found.serves

    def of_unit(self, unit: str) -> Daemon | None:
        return next((each for each in self.daemons.values() if each.has(unit)), None)

    def takes_up(self, unit: str) -> TakesUp:
        found = self.of_unit(unit)
        return found.takes_up if found else TakesUp.ANY


@cache
def table() -> Table:
    """Ours, and those that other packages bring."""
    return Table((*OURS, *(room.half("daemon", Daemon) for room in rooms())))


def _validators(every: Iterable[Daemon]) -> Iterator[tuple[str, Validator]]:
    yield from FORMATS.items()
    yield from ((each.name, each.judge) for each in every if each.judge is not None)


def once(what: str, pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Raises ValueError for a name that stands there twice."""
    found: dict[str, T] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"two {what} are called {name}")
        found[name] = value
    return found
