"""ExaBGP as the speaker of a host that needs a table of routes."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.announcing import speaker
from trimtab.estate.peering import by_itself

NAME = "exabgp-on-router"
SEVERITY = Severity.ERROR
TITLE = "ExaBGP as the speaker of a router"
WHY = (
    "ExaBGP says what it is told to say and hears what others say, but it puts no route into the kernel. A router "
    "that forwards by what its upstreams announce needs BIRD, and so does a proxy whose anchor routers resolve. "
    "Those hosts keep BIRD, so what the file says is not what runs."
)
SOURCE = 'ExaBGP\'s README ("it does not perform any FIB manipulation")'
BAD = """\
tiers: {proxy: {speaker: exabgp}}
groups:
  edge: {id: 1, roles: [router, proxy]}
sites:
  one:
    hosts: {edge: 2, backend: 4}
    front: bgp
"""
GOOD = """\
tiers: {proxy: {speaker: exabgp}}
sites:
  one:
    hosts: {proxy: 2, backend: 4}
    front: bgp
"""
FIX = "Leave `speaker` at `bird`, or have proxies that are no routers announce by themselves: `front: bgp`."


def find(subject: Subject) -> Iterator[Hit]:
    inventory, wanted = subject.inventory, subject.estate.tiers.proxy.speaker
    fronts = [inventory.front(site)[0] for site in subject.fronts]
    kept = [host for host in fronts if speaker(inventory, host) != wanted]
    for host in kept:
        if by_itself(inventory, host.site):
            yield Hit(
                ("sites", host.site, "hosts", host.group),
                f"{host.group} of {host.site} are routers too, and {wanted} has no table of routes: they keep BIRD",
                "`speaker: bird` in tiers.proxy, or proxies that are no routers",
            )
    if kept and len(kept) == len(fronts) and not any(by_itself(inventory, host.site) for host in kept):
        yield Hit(
            ("tiers", "proxy", "speaker"),
            f"no site's proxies announce by themselves: {wanted} would run nowhere",
            "`front: bgp` at a site whose proxies speak with its upstreams, or `speaker: bird`",
        )
