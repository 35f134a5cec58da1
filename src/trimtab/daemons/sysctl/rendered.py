"""Kernel settings: of every host."""

from __future__ import annotations

from trimtab.daemons.rendering import Rendered, everywhere
from trimtab.daemons.sysctl.config import render

RENDERED = Rendered(
    "sysctl", everywhere, beside=lambda inventory, host, all_: render(inventory, host, all_.ports)
)
