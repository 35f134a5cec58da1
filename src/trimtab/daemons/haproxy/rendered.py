"""HAProxy, as the estate has it: on proxies, where it is their engine."""

from __future__ import annotations

from trimtab.daemons.engine import is_engine, ports, watched
from trimtab.daemons.haproxy.config import render
from trimtab.daemons.haproxy.connections import files
from trimtab.daemons.haproxy.unit import units
from trimtab.daemons.rendering import Rendered

RENDERED = Rendered(
    "haproxy",
    is_engine("haproxy"),
    render,
    units,
    watched=lambda _, __: watched("haproxy"),
    ports=ports,
    open_files=files,
)
