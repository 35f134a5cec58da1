"""The estate's store as a host has it: every record as it stands there, for those who reconcile from it."""

from __future__ import annotations

from collections.abc import Mapping

from trimtab.registry.base import Batch, Snapshot


class Mirror:
    """For `Follow`: each method returns the keys that are other than before. Nothing is forgotten by time."""

    def __init__(self) -> None:
        self.revision = 0
        self.records: Mapping[str, bytes] = {}

    def replace(self, snapshot: Snapshot, now: float) -> frozenset[str]:
        before, self.records = self.records, dict(snapshot.records)
        self.revision = snapshot.revision
        keys = {*before, *self.records}
        return frozenset(key for key in keys if before.get(key) != self.records.get(key))

    def apply(self, batch: Batch, now: float) -> frozenset[str]:
        records = dict(self.records)
        for key, value in batch.changes:
            if value is None:
                records.pop(key, None)
            else:
                records[key] = value
        self.records, self.revision = records, batch.revision
        return frozenset(key for key, _ in batch.changes)

    def expire(self, now: float, since: float) -> frozenset[str]:
        return frozenset()
