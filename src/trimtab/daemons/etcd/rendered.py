"""etcd, as the estate has it: a registry, the own store, stores of applications."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.agent_config import Probe, Unit
from trimtab.daemons import pki
from trimtab.daemons.etcd.config import clusters_of, ports_of, render, secured
from trimtab.daemons.etcd.unit import units
from trimtab.daemons.probe import ReadyCheck
from trimtab.daemons.rendering import Rendered
from trimtab.estate.inventory import Host, Inventory


def _wanted(inventory: Inventory, host: Host) -> bool:
    return bool(clusters_of(inventory, host))


def _watched(inventory: Inventory, host: Host) -> tuple[Unit, ...]:
    return tuple(
        Unit(f"etcd-{name}.service", Probe("http", f"http://127.0.0.1:{ports_of(name).metrics}/health"))
        for name, _ in clusters_of(inventory, host)
    )


def _ports(inventory: Inventory, host: Host) -> Iterator[int]:
    for name, _ in clusters_of(inventory, host):
        ports = ports_of(name)
        yield from (ports.client, ports.peer, ports.metrics)


def _ready(inventory: Inventory) -> list[ReadyCheck]:
    found: dict[tuple[str, ...], ReadyCheck] = {}
    for host in inventory.hosts:
        for name, members in clusters_of(inventory, host):
            scheme = "https" if secured(name) else "http"
            endpoints = tuple(f"{scheme}://{m.v4}:{ports_of(name).client}" for m in members)
            trust = (
                (f"--cacert={pki.CA}", f"--cert={pki.CERTIFICATE}", f"--key={pki.KEY}")
                if secured(name)
                else ()
            )
            what = f"{name} of {', '.join(sorted({m.site for m in members}))}: {len(members)} members and a leader"
            found.setdefault(endpoints, ReadyCheck("etcd", what, (members[0].name,), (*trust, *endpoints)))
    return list(found.values())


RENDERED = Rendered("etcd", _wanted, render, units, watched=_watched, ports=_ports, ready=_ready)
