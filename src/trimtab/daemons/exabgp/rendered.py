"""ExaBGP, as the estate has it: on hosts that announce by themselves and forward nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.agent_config import Probe, Unit
from trimtab.daemons.announcing import speaker
from trimtab.daemons.exabgp.config import ANNOUNCE_HOOK, render
from trimtab.daemons.exabgp.daemon import DAEMON
from trimtab.daemons.exabgp.unit import units
from trimtab.daemons.rendering import Rendered
from trimtab.estate.estate import Estate
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.peering import on_every_link, speakers
from trimtab.estate.prefix_faults import Problem
from trimtab.estate.upstream import Upstream


def wanted(inventory: Inventory, host: Host) -> bool:
    return host in speakers(inventory, host.site) and speaker(inventory, host) == DAEMON.name


def _faults(estate: Estate) -> Iterator[Problem]:
    """What it cannot do, of what the upstreams of its hosts ask for."""
    if estate.tiers.proxy.speaker != DAEMON.name:
        return
    inventory = Inventory(estate)
    for site in inventory.site_names():
        if any(wanted(inventory, host) for host in speakers(inventory, site)):
            for name, upstream in estate.sites[site].upstreams.items():
                yield from _of_upstream(upstream, ("sites", site, "upstreams", name))


def _of_upstream(upstream: Upstream, at: Loc) -> Iterator[Problem]:
    other = "or `speaker: bird` in tiers.proxy"
    if upstream.taken != "none":
        what = "ExaBGP has no table of routes: nothing of what is taken would lead anywhere"
        yield (*at, "accept"), what, f"`accept: none`: the hosts' own default route is the way out; {other}"
    if upstream.bfd:
        what = "ExaBGP speaks no BFD"
        yield (*at, "bfd"), what, f"`bfd: false`, and `hold: 3s` for a host that loses its power; {other}"
    if any(map(on_every_link, upstream.peer)):
        yield (
            (*at, "peer"),
            "ExaBGP has no sessions with link-local addresses",
            f"an address of a network; {other}",
        )
    if upstream.extended_next_hop:
        what = "with ExaBGP IPv4 needs a session of its own"
        yield (*at, "extended_next_hop"), what, f"an IPv4 address in `peer`; {other}"
    if upstream.keepalive is not None:
        yield (*at, "keepalive"), "ExaBGP's is a third of `hold`", f"leave it out; {other}"


RENDERED = Rendered(
    "exabgp",
    wanted,
    render,
    units,
    watched=lambda _, __: (Unit("exabgp.service", Probe("command", f"{ANNOUNCE_HOOK} ask", "it looks")),),
    faults=_faults,
)
