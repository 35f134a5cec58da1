"""Gratuitous ARP more often than switches take it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.peering import by_vrrp
from trimtab.estate.quantity import duration_text

NAME = "garp-storm"
SEVERITY = Severity.ERROR
TITLE = "gratuitous ARP more often than switches take it"
WHY = (
    "The holder announces each of its addresses anew at every refresh, in IPv4 by ARP and in IPv6 by "
    "neighbour advertisements. Switches and routers police both in their control plane, so a storm of "
    "ours drops other hosts' answers, and under load even our own."
)
SOURCE = (
    "keepalived.conf(5), vrrp_garp_master_refresh; field experience: at 1 s packets were lost under load, "
    "at 5 s none"
)
BAD = """\
vrrp: {garp_refresh: 1s}
"""
GOOD = """\
vrrp: {garp_refresh: 5s}
"""
FIX = "Set `garp_refresh` to 5s or more; `0s` announces only when an address moves."


LEAST_S = 5.0
MOST_A_SECOND = 10.0


def find(subject: Subject) -> Iterator[Hit]:
    refresh = subject.estate.vrrp.garp_refresh
    inventory = subject.inventory
    each = [
        sum(len(inventory.held(site, f)) for f in FAMILIES)
        for site in subject.fronts
        if by_vrrp(inventory, site)
    ]
    vips = max(each, default=0)
    if not refresh or not vips or (refresh >= LEAST_S and vips / refresh <= MOST_A_SECOND):
        return
    wanted = max(LEAST_S, math.ceil(vips / MOST_A_SECOND))
    yield Hit(
        ("vrrp", "garp_refresh"),
        f"{vips} VIP{'s' if vips > 1 else ''} every {duration_text(refresh)} are {vips / refresh:.3g} announcements a second in "
        f"every front network; the limit is {MOST_A_SECOND:g}, and no refresh under {duration_text(LEAST_S)}",
        f"set `garp_refresh` to {duration_text(wanted)}",
    )
