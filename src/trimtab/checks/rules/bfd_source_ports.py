"""BFD to somebody else's router from ports that it may drop."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.kernel import PORT_RANGE

NAME = "bfd-source-ports"
SEVERITY = Severity.ERROR
TITLE = "BFD to an upstream comes from source ports that the upstream may drop"
WHY = (
    "BFD's source port has to be 49152 or higher, and some networks filter by that. BIRD takes what the kernel lends, so a "
    "lower range is BFD's, too. Where it is dropped BFD never comes up, and a dead neighbour is noticed by the hold timer alone."
)
SOURCE = "RFC 5881, 4 (source ports); bird-users, February 2022"
BAD = """\
kernel: {sysctl: {net.ipv4.ip_local_port_range: 1024 65535}}
"""
GOOD = """\
kernel: {sysctl: {net.ipv4.ip_local_port_range: 49152 65535}}
"""
FIX = "Leave `net.ipv4.ip_local_port_range` out: routers have 49152 to 65535, proxies 1024 to 65535."
LOWEST = 49152


def find(subject: Subject) -> Iterator[Hit]:
    stated = subject.estate.kernel.sysctl.get(PORT_RANGE)
    asked = sorted(
        f"{name} of {site}"
        for site, found in subject.estate.sites.items()
        for name, upstream in found.upstreams.items()
        if upstream.bfd
    )
    if stated is None or not asked or int(stated.split()[0]) >= LOWEST:
        return
    yield Hit(
        ("kernel", "sysctl", PORT_RANGE),
        f"routers lend ports from {stated.split()[0]} on, BFD to {asked[0]} needs {LOWEST} to 65535",
        "leave it out: routers have those ports, proxies 1024 to 65535",
    )
