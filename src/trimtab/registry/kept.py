"""Records of a later version are kept: whoever would write over one is refused. Around every engine (`engines.connect`).

While an estate is upgraded hosts of both releases write into one registry. An older one cannot know what a newer record says,
so what it would put in its place would lose that. What is judged is what was read last: a record that has become newer since
is left to the conditions of the write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from trimtab.errors import Outdated
from trimtab.registry.base import Batch, Registry, Snapshot, Write
from trimtab.registry.fields import VERSION, is_newer, shown

# Rows of the past get old by their number, whatever stands in them.
PAST = ("decision/", "incident/")


class Kept:
    """A registry, as `base.Registry` has it."""

    def __init__(self, inner: Registry) -> None:
        self.inner = inner
        self._newer = set[str]()
        self._revision: int | None = None  # of what was read last

    async def read(self) -> Snapshot:
        snapshot = await self.inner.read()
        newer = {key for key, value in snapshot.records.items() if is_newer(value)}
        # An answer that was overtaken, or a registry that was set back: what is known stays until the next one.
        late = self._revision is not None and snapshot.revision < self._revision
        self._newer = newer | self._newer if late else newer
        self._revision = snapshot.revision
        return snapshot

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        watched = self.inner.watch(after)
        try:
            async for batch in watched:
                self._note(batch)
                yield batch
        finally:  # with this one, not when somebody collects it
            if isinstance(watched, AsyncGenerator):
                await watched.aclose()

    def _note(self, batch: Batch) -> None:
        late = self._revision is not None and batch.revision <= self._revision
        for key, value in batch.changes:
            if value is not None and is_newer(value):
                self._newer.add(key)
            elif not late:
                self._newer.discard(key)
        if not late and self._revision is not None:
            self._revision = batch.revision

    async def write(self, change: Write) -> int:
        """Raises Outdated, and as the engine. Whoever has not read yet does."""
        if self._revision is None:
            await self.read()
        removed = {key for key in change.delete if not key.startswith(PAST)}
        if touched := sorted(self._newer & {*change.put, *change.leased, *removed}):
            raise Outdated(
                f"{shown(touched[0])} is a record of a later Trimtab, at most version {VERSION} is known here: it is kept",
                "upgrade Trimtab on this host",
            )
        return await self.inner.write(change)

    async def grant(self, ttl_s: float) -> int:
        return await self.inner.grant(ttl_s)

    async def keep(self, lease: int) -> float:
        return await self.inner.keep(lease)

    async def close(self) -> None:
        await self.inner.close()
