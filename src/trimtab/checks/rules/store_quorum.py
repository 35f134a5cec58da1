"""A store with an even number of voters, or with one."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.etcd.config import store_members

NAME = "store-quorum"
SEVERITY = Severity.ERROR
TITLE = "a store with an even number of voters, or with one"
WHY = (
    "A write needs more than half of the voters. One voter survives no loss, and an even number survives "
    "no more losses than one voter less."
)
SOURCE = 'Raft (Ongaro 2014), 3.3; etcd FAQ, "Why an odd number of cluster members?"'
BAD = """\
groups:
  orders: {id: 1, roles: [store]}
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 1}
  two:
    hosts: {router: 2, proxy: 2, backend: 4, orders: 1}
stores:
  orders: {kind: etcd, hosts: orders}
"""
GOOD = """\
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
FIX = "Have three voters or five. A third site needs no proxies to hold a voter."


def find(subject: Subject) -> Iterator[Hit]:
    for name in subject.estate.stores:
        voters = len(store_members(subject.inventory, name))
        if voters and voters % 2 and voters > 1:
            continue
        survives = max(0, (voters - 1) // 2)
        yield Hit(
            ("stores", name, "hosts"),
            f"{name} has {voters} voter{'' if voters == 1 else 's'} and survives the loss of {survives}",
            "have three voters in three sites: any one may be lost",
        )
