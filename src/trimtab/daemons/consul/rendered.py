"""Consul, where it is the registry: its servers are brought, so nothing is rendered, but their ports are kept free."""

from __future__ import annotations

from trimtab.daemons.rendering import Rendered
from trimtab.estate.inventory import Host, Inventory

PORTS = (8300, 8301, 8302, 8500, 8501, 8502, 8503, 8600)  # developer.hashicorp.com/consul, "Required ports"


def wanted(inventory: Inventory, host: Host) -> bool:
    return host.does("registry") and inventory.estate.tiers.registry.engine == "consul"


RENDERED = Rendered("consul", wanted, ports=lambda _, __: PORTS)
