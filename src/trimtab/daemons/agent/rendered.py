"""The agent: on every host."""

from __future__ import annotations

from trimtab.daemons.agent.config import render
from trimtab.daemons.agent.unit import units
from trimtab.daemons.rendering import Rendered, everywhere
from trimtab.estate.addressing import PORTS

RENDERED = Rendered(
    "agent",
    everywhere,
    units=units,
    ports=lambda _, __: (PORTS["agent-metrics"],),
    beside=lambda inventory, host, all_: render(inventory, host, all_.watched),
)
