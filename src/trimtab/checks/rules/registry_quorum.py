"""One or an even number of registry members."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "registry-quorum"
SEVERITY = Severity.ERROR
TITLE = "one or an even number of registry members"
WHY = (
    "etcd goes on while more than half of its members agree. One member survives no loss; two or four "
    "survive no more losses than one or three, and have one host more that can fail."
)
SOURCE = 'Raft (Ongaro 2014), 3.3; etcd FAQ, "Why an odd number of cluster members?"'
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, registry: 2}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, registry: 3}
"""
FIX = "Write `registry: 3` in each site that has one (5 survive two losses)."


def find(subject: Subject) -> Iterator[Hit]:
    for site in subject.inventory.site_names():
        members = subject.inventory.on_duty("registry", site)
        if members and (len(members) == 1 or len(members) % 2 == 0):
            survives = (len(members) - 1) // 2
            wanted = 3 if len(members) < 3 else len(members) - 1
            yield Hit(
                ("sites", site, "hosts", members[0].group),
                f"{len(members)} registry member{'s' if len(members) > 1 else ''} in {site} survive the loss of {survives}",
                f"write {wanted}: that survives the loss of {(wanted - 1) // 2}",
            )
