"""nginx, as the estate has it: on proxies, where it is their engine."""

from __future__ import annotations

from trimtab.daemons.engine import is_engine, ports, watched
from trimtab.daemons.nginx.config import render
from trimtab.daemons.nginx.connections import files
from trimtab.daemons.nginx.unit import units
from trimtab.daemons.rendering import Rendered

RENDERED = Rendered(
    "nginx",
    is_engine("nginx"),
    render,
    units,
    watched=lambda _, __: watched("nginx"),
    ports=ports,
    open_files=files,
)
