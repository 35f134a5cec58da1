"""The watch at the front of each proxy."""

from __future__ import annotations

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.front.config import render
from trimtab.daemons.front.unit import units
from trimtab.daemons.rendering import Rendered, with_duty

RENDERED = Rendered(
    "front",
    with_duty("vips"),
    render,
    units,
    watched=lambda _, __: (Unit("trimtab-front.service", Probe("process")),),
)
