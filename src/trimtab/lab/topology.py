"""What a twin consists of, as frozen values: nodes, their legs, the segments between them, what must be true when it is up.

Nothing here runs anything. `lab/plan.py` derives a Topology from an estate; `lab/init.py` makes it real.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck


@dataclass(frozen=True, slots=True)
class Segment:
    """A layer-2 segment in the fabric. delay_ms: one way, only with exactly two legs; None: a plain bridge.
    told_s: when nothing passes any more, its ends lose their carrier so many seconds later; None: they keep it, as behind a
    switch, and find out by themselves.
    """

    name: str
    delay_ms: float | None = None
    told_s: float | None = None


def wan_segment(a: str, b: str) -> str:
    """The name of the private path between two sites."""
    low, high = sorted((a, b))
    return f"wan.{low}.{high}"


@dataclass(frozen=True, slots=True)
class Leg:
    """One interface of a node: `interface` (≤ 15 characters) on `segment`, addresses in CIDR form, v4 and v6."""

    interface: str
    segment: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the twin.

    kind: `host` is a host of the estate, `transit` an upstream network, `clients` a region's clients.
    gateway: its networks reach others through it.  routes: arguments of `ip route add` (`default via 10.1.48.1`), v6 ones begin with `-6 `.
    loopback: extra addresses on `lo`.  files: written below the node's own /etc, /usr/local/lib/trimtab, /var.
    units: names of unit files among `files`, in the order in which they start.
    sysctls: set before the units start, e.g. {"net.ipv4.ip_forward": "1"}.
    system: release of the Debian whose programs it runs (`system.py`), "" the machine's own.  shares: folders of the
    machine that it sees there, at their own paths.  delivered: paths of those files that a delivery replaces; the others
    are brought.
    """

    name: str
    kind: Literal["host", "transit", "clients"]
    site: str | None = None
    roles: tuple[str, ...] = ()
    gateway: bool = False
    legs: tuple[Leg, ...] = ()
    loopback: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    files: tuple[Artifact, ...] = ()
    units: tuple[str, ...] = ()
    system: str = ""
    shares: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole twin, in start order."""

    name: str
    nodes: tuple[Node, ...]
    segments: tuple[Segment, ...]
    checks: tuple[ReadyCheck, ...] = ()
    facts: dict[str, object] = field(default_factory=dict)
