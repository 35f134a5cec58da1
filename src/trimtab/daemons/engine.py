"""What HAProxy and nginx have in common as the engine of a proxy."""

from __future__ import annotations

from collections.abc import Callable

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.across import answered
from trimtab.estate.addressing import PORTS
from trimtab.estate.inventory import Host, Inventory

LISTENED = ("front-health", "prometheus-haproxy", "haproxy-peers")


def is_engine(name: str) -> Callable[[Inventory, Host], bool]:
    return lambda inventory, host: host.does("vips") and inventory.estate.tiers.proxy.engine == name


def watched(name: str) -> tuple[Unit, ...]:
    """A proxy is well if it answers."""
    return (Unit(f"{name}.service", Probe("http", f"http://127.0.0.1:{PORTS['front-health']}/healthz")),)


def ports(inventory: Inventory, host: Host) -> set[int]:
    found = {PORTS[name] for name in LISTENED}
    return found | {PORTS["across"]} if answered(inventory, host.site) else found
