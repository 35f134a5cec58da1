"""networkd, told of routes that others set: where BIRD runs."""

from __future__ import annotations

from trimtab.daemons.networkd.config import render
from trimtab.daemons.rendering import Rendered
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece


def _wanted(inventory: Inventory, host: Host) -> bool:
    return host.does("gateway", "vips") and not apiece(inventory, host.site)


RENDERED = Rendered("networkd", _wanted, render)
