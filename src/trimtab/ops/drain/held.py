"""The lease that all that is under way hangs on: taken, kept as long as the block lasts, and known to be gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from trimtab.errors import DriverError, LeaseGone


class Leases(Protocol):
    async def grant(self, ttl_s: float) -> int: ...
    async def keep(self, lease: int) -> float: ...


class HeldLease:
    """now: seconds of a monotonic clock. It counts from before it was asked for, since an answer may take its time."""

    def __init__(self, store: Leases, ttl_s: float, now: Callable[[], float]) -> None:
        self._store, self.ttl_s, self._now = store, ttl_s, now
        self.id = 0
        self.kept = 0.0
        self.gone = False
        self._task: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return not self.gone and self._now() - self.kept < self.ttl_s

    def lost_for(self) -> float:
        """Seconds since it was kept last, once it is gone; otherwise 0."""
        return self._now() - self.kept if self.gone else 0.0

    async def __aenter__(self) -> HeldLease:
        """Raises DriverError."""
        began = self._now()
        self.id = await self._store.grant(self.ttl_s)
        self.kept, self.gone = began, False
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _keep(self) -> None:
        while not self.gone:
            await asyncio.sleep(self.ttl_s / 4)
            began = self._now()
            try:
                await self._store.keep(self.id)
                self.kept = began
            except LeaseGone:
                self.gone = True
            except DriverError:
                self.gone = self._now() - self.kept > self.ttl_s
