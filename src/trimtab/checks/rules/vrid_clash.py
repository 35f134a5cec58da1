"""Two sites at one place with the same VLANs and VRIDs."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.peering import by_vrrp

NAME = "vrid-clash"
SEVERITY = Severity.ERROR
TITLE = "two sites at one place with the same VLANs and VRIDs"
WHY = (
    "VLAN numbers, where nobody states others, and VRIDs are the same in every site. If two sites stand in one building and a "
    "trunk joins their switches, proxies of both share a broadcast domain, elect one master among them, "
    "and half of the clients lose their address."
)
SOURCE = "RFC 5798, 5.2.3 (a VRID is unique on its network)"
BAD = """\
sites:
  one:
    at: [22.3, 114.2]
  two:
    at: [22.3, 114.2]
"""
GOOD = """\
sites:
  one:
    at: [22.3, 114.2]
  two:
    at: [1.35, 103.8]
"""
FIX = "Make one site of them, give one's network another `vlan`, or keep their networks apart and accept this with the reason."


NEAR_DEGREES = 0.01  # about a kilometre


def find(subject: Subject) -> Iterator[Hit]:
    seen: dict[tuple[int, int, int | None], str] = {}
    for site in filter(lambda each: by_vrrp(subject.inventory, each), subject.fronts):
        at = subject.estate.sites[site].at
        vlan = subject.inventory.front(site)[0].vlan.id
        cell = (round(at[0] / NEAR_DEGREES), round(at[1] / NEAR_DEGREES), vlan)
        if vlan is not None and cell in seen:
            yield Hit(
                ("sites", site, "at"),
                f"{site} stands where {seen[cell]} does; both have VLAN {vlan} with VRID {subject.estate.vrrp.ids[0]}",
                "make one site of them, or keep the networks apart and accept this",
            )
        seen.setdefault(cell, site)
