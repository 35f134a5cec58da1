"""A store's disk that its database, a copy of it and its log do not fit on."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import size_text

NAME = "store-disk-small"
SEVERITY = Severity.ERROR
TITLE = "a disk too small for what a store may grow to"
WHY = (
    "etcd lets its database grow to 2 GB and writes a second copy of it when it is defragmented or sends a snapshot, "
    "besides its log. On a full disk a member stops; all voters fill alike, so they stop together and no write is taken."
)
SOURCE = "etcd 3.4, System limits (2 GB by default); Maintenance, Defragmentation; wal files of 64 MB"
BAD = """\
hardware:
  small: {cores: 4, memory: 8GB, nic: 1Gbps, disk: 4GB}
groups:
  orders: {id: 1, roles: [store], hardware: small}
stores:
  orders: {kind: etcd, hosts: orders}
"""
GOOD = """\
hardware:
  small: {cores: 4, memory: 8GB, nic: 1Gbps, disk: 100GB}
groups:
  orders: {id: 1, roles: [store], hardware: small}
stores:
  orders: {kind: etcd, hosts: orders}
"""
FIX = "Give the store's hosts a disk of 10 GB or more, of its own and fast: every write waits for it."

# the database at its limit, a copy, and a gigabyte for the log and snapshots
LEAST_BYTES = 5e9


def find(subject: Subject) -> Iterator[Hit]:
    for name, store in subject.estate.stores.items():
        machine = subject.hardware(store.hosts)
        if machine is not None and machine.disk is not None and machine.disk < LEAST_BYTES:
            yield Hit(
                ("stores", name, "hosts"),
                f"{store.hosts} has {size_text(machine.disk)} of disk; {name} may need {size_text(LEAST_BYTES)}: the "
                "database at its limit, a copy of it, and the log",
                "take a disk of 10GB or more",
            )
