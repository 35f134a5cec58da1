"""BIRD, as the estate has it: on routers and proxies."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.announcing import speaker
from trimtab.daemons.artifact import Artifact
from trimtab.daemons.bird.config import render_proxy, render_router
from trimtab.daemons.bird.daemon import DAEMON
from trimtab.daemons.bird.features import BY_PLATFORM, features
from trimtab.daemons.bird.unit import units
from trimtab.daemons.rendering import Rendered
from trimtab.estate.estate import Estate
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import apiece, speakers, speaks
from trimtab.estate.prefix_faults import Problem

BFD = (3784, 4784)  # of one hop (RFC 5881) and of several (RFC 5883): both are open
ASK = "/usr/sbin/birdc -s /run/bird/bird.ctl show status"


def wanted(inventory: Inventory, host: Host) -> bool:
    """Routers, and proxies that tell a router or an upstream that they serve."""
    if apiece(inventory, host.site) or not host.does("gateway", "vips"):
        return False
    return speaker(inventory, host) == DAEMON.name


def _files(inventory: Inventory, host: Host) -> tuple[Artifact, ...]:
    speaker = host.does("gateway") or speaks(inventory, host)
    return render_router(inventory, host) if speaker else render_proxy(inventory, host)


def _faults(estate: Estate) -> Iterator[Problem]:
    """Keys that the chosen version cannot honour: of a file with ASPA in it an older one reads nothing."""
    if estate.edge.rpki is None or not estate.edge.rpki.aspa:
        return
    inventory = Inventory(estate)
    for host in (host for site in inventory.site_names() for host in speakers(inventory, site)):
        found = features(host.platform)
        if speaker(inventory, host) != DAEMON.name or found.aspa:
            continue
        able = ", ".join(f"{p} ({f.version})" for p, f in BY_PLATFORM.items() if f.aspa)
        says = host.platform or "unsaid, so the oldest"
        yield (
            ("edge", "rpki", "aspa"),
            f"BIRD {found.version} of {host.name} (platform: {says}) knows no ASPA",
            f"`platform:` of the routers' group: {able}; or leave `aspa` out",
        )
        return  # one host says it for all


RENDERED = Rendered(
    "bird",
    wanted,
    _files,
    units,
    watched=lambda _, __: (Unit("bird.service", Probe("command", ASK, "Daemon is up and running")),),
    ports=lambda _, __: BFD,
    faults=_faults,
)
