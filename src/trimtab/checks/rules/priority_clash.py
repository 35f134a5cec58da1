"""Two hosts of one VRRP group with the same priority."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.peering import by_vrrp

NAME = "priority-clash"
SEVERITY = Severity.ERROR
TITLE = "two hosts of one VRRP group with the same priority"
WHY = (
    "Further hosts get one less each, down to 1. Two with equal priority decide by their address which "
    "one wins, so the order is not the one that was written, and after a restart both may hold the "
    "addresses for a moment."
)
SOURCE = "RFC 5798, 6.4.2 and 6.4.3 (equal priority: the greater address wins)"
BAD = """\
vrrp: {priorities: [2, 1]}
sites:
  one:
    hosts: {router: 2, proxy: 3, backend: 4}
"""
GOOD = """\
vrrp: {priorities: [254, 253]}
sites:
  one:
    hosts: {router: 2, proxy: 3, backend: 4}
"""
FIX = "Begin at 254: `[254, 253]` leaves room for every further host."


def find(subject: Subject) -> Iterator[Hit]:
    vrrp = subject.estate.vrrp
    for site in subject.fronts:
        for what, hosts in (
            ("proxies", subject.inventory.front(site) if by_vrrp(subject.inventory, site) else []),
            ("routers", subject.inventory.routers(site)),
        ):
            priorities = [vrrp.priority(host.number - 1) for host in hosts]
            if len(set(priorities)) < len(priorities):
                yield Hit(
                    ("vrrp", "priorities"),
                    f"the {len(hosts)} {what} of {site} get the priorities {', '.join(map(str, priorities))}",
                    "begin at 254: further hosts get one less each, and 1 is the last",
                )
                return
