"""One proxy carries a site."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.peering import apiece

NAME = "one-proxy"
SEVERITY = Severity.ERROR
TITLE = "one proxy carries a site"
WHY = (
    "VRRP has nobody to give the addresses to. A crash, a kernel update or a power supply takes the whole "
    "site out of the Internet, and each planned change is an outage."
)
SOURCE = "RFC 5798, 1 (VRRP needs a backup)"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 1, backend: 4}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Set `proxy: 2` or more in every site that serves."


def find(subject: Subject) -> Iterator[Hit]:
    for site, count in subject.fronts.items():
        if count == 1:
            group = subject.inventory.front(site)[0].group
            yield Hit(
                ("sites", site, "hosts", group),
                f"{site} has one proxy: with it gone, {site} is gone",
                "write 2 or more: "
                + (
                    "clients of the one that is lost take another one's address"
                    if apiece(subject.inventory, site)
                    else "VRRP moves the addresses in tenths of a second"
                ),
            )
