"""What a room renders of the estate: the half of a daemon that the agent never reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from trimtab.agent_config import Unit
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.estate.base import Noun
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.roles import Duty, Role

Artifacts = tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What all daemons of a host come to. watched: units that the agent looks after.  ports: on which somebody listens."""

    watched: tuple[Unit, ...]
    ports: frozenset[int]


def _nothing(*_: object) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """name: the daemon's.  wanted: does this host get it?  files: its own.  units: its systemd units, in start order.
    watched: how the agent asks each of its units whether it works.  ports: on which it listens there.
    beside: files that hang on the other daemons of the host.
    ready: what must hold before a twin of the estate is up.  faults: (where, message, hint) of keys that its version cannot honour.
    open_files: of an engine of proxies: how many a proxy of a site may need, with the estate's `maxconn` or another one.
    roles, tiers: of hosts, and keys of `tiers` with their nouns, that it brings; ours are the estate's own.
    """

    name: str
    wanted: Callable[[Inventory, Host], bool]
    files: Callable[[Inventory, Host], Artifacts] = _nothing
    units: Callable[[Inventory, Host], Artifacts] = _nothing
    watched: Callable[[Inventory, Host], tuple[Unit, ...]] = _nothing
    ports: Callable[[Inventory, Host], Iterable[int]] = _nothing
    beside: Callable[[Inventory, Host, Beside], Artifacts] = _nothing
    open_files: Callable[[Inventory, str, int | None], int] | None = None
    ready: Callable[[Inventory], Iterable[ReadyCheck]] = _nothing
    faults: Callable[[Estate], Iterable[Problem]] = _nothing
    roles: Mapping[str, Role] = field(default_factory=dict)
    tiers: Mapping[str, type[Noun]] = field(default_factory=dict)


def everywhere(_: Inventory, __: Host) -> bool:
    return True


def with_duty(*duties: Duty) -> Callable[[Inventory, Host], bool]:
    """Hosts with any of the duties."""
    return lambda _, host: host.does(*duties)


def with_role(role: str) -> Callable[[Inventory, Host], bool]:
    """Hosts with a role that the daemon brings itself."""
    return lambda _, host: role in host.roles
