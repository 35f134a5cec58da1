"""A pool with one member."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.across import asked
from trimtab.estate.fault import Loc

NAME = "one-member"
SEVERITY = Severity.ERROR
TITLE = "a pool with one member"
WHY = (
    "Nothing is balanced and nothing takes over. Each crash and each release of that one member is an "
    "outage of its routes."
)
SOURCE = "HAProxy Configuration Manual 4.2, `option redispatch` (needs a second server)"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 1}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 2}
"""
FIX = "Have at least two members in each site, or a `backup` group, or `across` and another site that has the pool."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        if pool.members is not None:
            if len([m for m in pool.members if m.weight]) == 1:
                yield _hit(("pools", name, "members"), name, "")
            continue
        for site in subject.fronts:
            members = subject.inventory.in_group(site, pool.hosts or "")
            spare = pool.backup and subject.inventory.in_group(site, pool.backup)
            if len(members) == 1 and not spare and not asked(subject.inventory, pool, site):
                yield _hit(("sites", site, "hosts", pool.hosts or ""), name, f" in {site}")


def _hit(loc: Loc, pool: str, where: str) -> Hit:
    return Hit(loc, f"{pool} has one member{where}: with it gone, its routes answer 503", "add a second one")
