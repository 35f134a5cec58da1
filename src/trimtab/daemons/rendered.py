"""Every file of a host: the table of what each room renders, and the functions that loop over it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from trimtab.agent_config import AgentFile, Unit
from trimtab.daemons.agent.config import describe as describe_agent
from trimtab.daemons.agent.rendered import RENDERED as AGENT
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.rendered import RENDERED as BIRD
from trimtab.daemons.consul.rendered import RENDERED as CONSUL
from trimtab.daemons.etcd.rendered import RENDERED as ETCD
from trimtab.daemons.exabgp.rendered import RENDERED as EXABGP
from trimtab.daemons.front.rendered import RENDERED as FRONT
from trimtab.daemons.haproxy.rendered import RENDERED as HAPROXY
from trimtab.daemons.keepalived.rendered import RENDERED as KEEPALIVED
from trimtab.daemons.networkd.rendered import RENDERED as NETWORKD
from trimtab.daemons.nginx.rendered import RENDERED as NGINX
from trimtab.daemons.outside import rooms
from trimtab.daemons.ports import LOWEST, application
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendering import Beside, Rendered
from trimtab.daemons.sysctl.rendered import RENDERED as SYSCTL
from trimtab.daemons.table import once
from trimtab.estate.inventory import Host, Inventory

# In the order in which a host starts them; the agent is the last.
OURS = (BIRD, EXABGP, HAPROXY, NGINX, FRONT, KEEPALIVED, ETCD, CONSUL, NETWORKD, SYSCTL)


@cache
def table() -> tuple[Rendered, ...]:
    """Ours, and those that other packages bring. Raises ValueError where two have the same name."""
    found = (*OURS, *(room.half("rendered", Rendered) for room in rooms()), AGENT)
    return tuple(once("rooms", ((each.name, each) for each in found)).values())


def render_host(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    """All files of a host, sorted by path. Raises RuntimeError if two rooms claim one path."""
    found: dict[str, Artifact] = {}
    beside = Beside(watched(inventory, host), listened(inventory, host))
    for each in _of(inventory, host):
        for artifact in (
            *each.files(inventory, host),
            *each.beside(inventory, host, beside),
            *each.units(inventory, host),
        ):
            if artifact.path in found:
                raise RuntimeError(f"{each.name} renders {artifact.path} of {host.name} a second time")
            found[artifact.path] = artifact
    return tuple(found[path] for path in sorted(found))


def unit_order(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Names of the host's units in start order."""
    return tuple(unit.unit or "" for each in _of(inventory, host) for unit in each.units(inventory, host))


def watched(inventory: Inventory, host: Host) -> tuple[Unit, ...]:
    """The units that the host's agent looks after."""
    return tuple(unit for each in _of(inventory, host) for unit in each.watched(inventory, host))


def listened(inventory: Inventory, host: Host) -> frozenset[int]:
    """Ports from 1024 up on which something of the host listens, UDP and TCP: its daemons, and the application."""
    own = {port for each in _of(inventory, host) for port in each.ports(inventory, host)}
    return frozenset(port for port in own | set(application(inventory, host)) if port >= LOWEST)


def describe(inventory: Inventory, host: Host) -> AgentFile:
    """What the agent of a host has to know."""
    return describe_agent(inventory, host, watched(inventory, host))


def ready_checks(inventory: Inventory) -> list[ReadyCheck]:
    """What each daemon says must hold before a twin of the estate is up."""
    return [check for each in table() for check in each.ready(inventory)]


def open_files(inventory: Inventory, site: str, maxconn: int | None = None) -> int:
    """That a proxy of the site may need. maxconn: instead of the estate's."""
    found = (each.open_files for host in inventory.front(site)[:1] for each in _of(inventory, host))
    return max((count(inventory, site, maxconn) for count in found if count is not None), default=0)


def _of(inventory: Inventory, host: Host) -> Iterator[Rendered]:
    return (each for each in table() if each.wanted(inventory, host))
