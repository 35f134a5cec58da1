"""No write may be lost, but the estate has no store."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "rpo-without-store"
SEVERITY = Severity.WARNING
TITLE = "no write may be lost, but the estate has no store"
WHY = (
    "What keeps the writes is then outside of this file: nothing here knows how many voters it has or "
    "where they stand, and no power cut in the twin touches it."
)
SOURCE = "docs/estate.md, stores"
BAD = """\
objectives: {write: {rpo: 0}}
services:
  www:
    ledger: {put: shop-order, get: shop-orders}
"""
GOOD = """\
groups:
  orders: {id: 1, roles: [store]}
objectives: {write: {rpo: 0}}
services:
  www:
    ledger: {put: shop-order, get: shop-orders}
stores:
  orders: {kind: etcd, hosts: orders}
"""
FIX = "Declare the store, or accept this with the name of what keeps the writes."


def find(subject: Subject) -> Iterator[Hit]:
    if subject.estate.stores:
        return
    for loc, whose, objectives in subject.promises():
        if objectives.write.rpo is not None:
            lost = objectives.write.rpo
            yield Hit(
                (*loc, "write", "rpo"),
                f"{whose} may lose {lost} acknowledged write{'' if lost == 1 else 's'}, and no store is declared",
                "declare it under `stores`",
            )
            return
