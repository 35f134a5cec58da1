"""HAProxy, as the estate has it: on proxies, where it is their engine."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.daemons.engine import is_engine, ports, watched
from trimtab.daemons.haproxy.config import render
from trimtab.daemons.haproxy.connections import files
from trimtab.daemons.haproxy.features import BY_PLATFORM, features
from trimtab.daemons.haproxy.unit import units
from trimtab.daemons.rendering import Rendered
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Inventory
from trimtab.estate.prefix_faults import Problem

wanted = is_engine("haproxy")


def faults(estate: Estate) -> Iterator[Problem]:
    """Keys that the chosen version cannot honour."""
    inventory = Inventory(estate)
    for host in (each for each in inventory.on_duty("vips") if wanted(inventory, each)):
        found = features(host.platform)
        if found.ocsp_update:
            continue
        able = ", ".join(f"{p} ({f.version})" for p, f in BY_PLATFORM.items() if f.ocsp_update)
        says = host.platform or "unsaid, so the oldest"
        for name, service in estate.services.items():
            if service.tls.ocsp:
                yield (
                    ("services", name, "tls", "ocsp"),
                    f"HAProxy {found.version} of {host.name} (platform: {says}) asks no OCSP responder",
                    f"`platform:` of the proxies' group: {able}; or leave `ocsp` out",
                )
        return  # one host says it for all


RENDERED = Rendered(
    "haproxy",
    wanted,
    render,
    units,
    watched=lambda _, __: watched("haproxy"),
    ports=ports,
    open_files=files,
    faults=faults,
)
