"""Routers whose release is not stated, and validators that may know no RTR but the one before."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.peering import speakers

NAME = "rtr-version-open"
SEVERITY = Severity.WARNING
TITLE = "RPKI validators, and routers whose release nobody states"
WHY = (
    "BIRD 2.17 (Debian 13) begins with version 2 of RTR and takes an older one once the validator has said that it has no other. "
    "StayRTR 0.6, of the same Debian, closes before that answer is read: BIRD tries again every 5 s, learns nothing, and no "
    "route is refused for its origin. With a stated release it is told to begin with version 1; BIRD 2.0 has no such word, so "
    "files for both cannot say it."
)
SOURCE = "RFC 8210, 7 (version negotiation); measured with BIRD 2.17.6 and StayRTR 0.6.2"
BAD = """\
edge:
  rpki: {validators: ["192.0.2.53:323"]}
"""
GOOD = """\
platform: debian-12
edge:
  rpki: {validators: ["192.0.2.53:323"]}
"""
FIX = "State the `platform`, of the estate or of the routers' group."


def find(subject: Subject) -> Iterator[Hit]:
    rpki = subject.estate.edge.rpki
    if rpki is None or not rpki.validators:
        return
    inventory = subject.inventory
    for site in inventory.site_names():
        open_ = [host.name for host in speakers(inventory, site) if host.platform is None]
        if open_:
            yield Hit(
                ("edge", "rpki", "validators"),
                f"nothing says what {open_[0]} runs: a BIRD of Debian 13 may learn nothing from a StayRTR of Debian 13",
                "write `platform: debian-12` or `debian-13`",
            )
            return
