"""The lease of this host: what hangs on it says that the host is alive, and ends by itself when it no longer is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import LeaseGone
from trimtab.registry.base import Write, Writer

TTL_S = 10.0
PACE = Pace(window=0.0, resync=3.0, first=0.2, most=2.0)


class Lease:
    """Granted when somebody needs it first, then kept. fresh: told when another one took its place, so that what hung
    on the old one is written again.
    """

    def __init__(self, registry: Writer, fresh: Callable[[], None], name: str = "lease") -> None:
        self._registry, self._fresh, self.name = registry, fresh, name
        self._turn = asyncio.Lock()
        self._id = 0
        self._needed = self._had = False

    def keys(self) -> Collection[str]:
        return ("lease",)

    async def get(self) -> int:
        """Raises as `Writer.grant`."""
        self._needed = True
        async with self._turn:
            if not self._id:
                self._id = await self._registry.grant(TTL_S)
                if self._had:
                    self._fresh()
                self._had = True
            return self._id

    def lost(self, lease: int) -> None:
        """A write found that it has ended."""
        if lease == self._id:
            self._id = 0

    async def write(self, store: Writer, change: Write) -> None:
        """What hangs on the lease; one that has ended is noticed. Raises as `Writer.write`."""
        try:
            await store.write(change)
        except LeaseGone:
            self.lost(change.lease)
            raise

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if not self._needed:
            return DONE
        if lease := self._id:
            try:
                await self._registry.keep(lease)
            except LeaseGone:
                self.lost(lease)
        await self.get()
        return DONE
