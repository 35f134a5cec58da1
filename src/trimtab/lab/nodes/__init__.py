"""How each daemon is asked whether it is up: one file a daemon, one table of all, by `ReadyCheck.kind`."""

from __future__ import annotations

from collections.abc import Iterable

from trimtab.lab.nodes import bird, consul, etcd, haproxy, http, keepalived
from trimtab.lab.nodes.probe import Probe


def table(probes: Iterable[Probe]) -> dict[str, Probe]:
    """By kind. Raises ValueError if two probes claim the same kind."""
    found: dict[str, Probe] = {}
    for probe in probes:
        if probe.kind in found:
            raise ValueError(f"two probes of kind {probe.kind}")
        found[probe.kind] = probe
    return found


PROBES = table(
    (bird.BGP, bird.BFD, bird.ROUTE, keepalived.VIP, haproxy.SERVERS, etcd.HEALTH, consul.SERVERS, http.GET)
)
# Answered by the owner itself, which supervises them: args are units, all of them where there are none.
UNIT = "unit"
KINDS = frozenset({*PROBES, UNIT})
