"""A site serves, but a pool has no member there."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.across import asked

NAME = "pool-empty-at-site"
SEVERITY = Severity.ERROR
TITLE = "a site serves, but a pool has no member there"
WHY = (
    "Members are the hosts of the same site. A client that BGP or DNS brings to this site gets 503 on "
    "every route of that pool, and the proxy never becomes ready, because it waits for each pool to have "
    "a member."
)
SOURCE = 'docs/estate.md, pools; docs/design.md, "A proxy earns its place"'
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Add hosts of the group to the site, or take its proxies out, or have another site serve the pool (`across`)."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        for site in subject.fronts:
            if asked(subject.inventory, pool, site):
                continue  # another site serves it
            if pool.hosts and not subject.inventory.in_group(site, pool.hosts):
                yield Hit(
                    ("sites", site, "hosts"),
                    f"{site} has proxies but no {pool.hosts}: pool {name} is empty there",
                    f"add `{pool.hosts}: 2` or take the proxies out",
                )
