"""A store that a lost site takes with it, though writes are promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.etcd.config import store_members

NAME = "store-in-one-site"
SEVERITY = Severity.ERROR
TITLE = "a store that a lost site takes with it, though writes are promised"
WHY = (
    "If half of the voters or more stand in one site, the others are no majority without it: no order is "
    "acknowledged until that site is back, whatever `write.rto` says."
)
SOURCE = "Raft (Ongaro 2014), 3.3 and 3.6 (a majority of all voters)"
BAD = """\
objectives: {write: {rto: 5s}}
groups:
  orders: {id: 1, roles: [store]}
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 2}
  two:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 1}
stores:
  orders: {kind: etcd, hosts: orders}
"""
GOOD = """\
objectives: {write: {rto: 5s}}
groups:
  orders: {id: 1, roles: [store]}
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 1}
  two:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 1}
  three:
    id: 3
    at: [34.05, -118.2]
    asn: 65030
    hosts: {router: 1, orders: 1}
stores:
  orders: {kind: etcd, hosts: orders}
"""
FIX = "Spread the voters over three sites so that none has half of them."


def find(subject: Subject) -> Iterator[Hit]:
    if not any(o.write.rto is not None for _, _, o in subject.promises()):
        return
    for name in subject.estate.stores:
        members = store_members(subject.inventory, name)
        counts = Counter(member.site for member in members)
        site, most = max(counts.items(), key=lambda item: item[1], default=("", 0))
        if 2 * most >= len(members) > 0:
            yield Hit(
                ("stores", name, "hosts"),
                f"{site} has {most} of the {len(members)} voters of {name}: with {site} lost the other "
                f"{len(members) - most} are no majority, and a `write.rto` is promised",
                "spread the voters over three sites",
            )
