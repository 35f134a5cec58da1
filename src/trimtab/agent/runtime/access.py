"""The registry as this host has it: connected when it is needed first, because a host's certificate may come later than
its agent; and when it was heard last.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from trimtab.agent.runtime.metrics import StoreFigures
from trimtab.errors import BadInput, Compacted, Conflict, LeaseGone, Outdated, Unreachable
from trimtab.registry.base import Batch, Registry, Snapshot, Write

T = TypeVar("T")


class Access:
    """A `Registry`. heard: seconds since 1970, 0 never.  up: None while nothing is known."""

    def __init__(
        self, connect: Callable[[], Registry], metrics: StoreFigures, now: Callable[[], float] = time.time
    ) -> None:
        self._connect, self._metrics, self._now = connect, metrics, now
        self._registry: Registry | None = None
        self.turned: Callable[[], None] = lambda: None  # told when `up` is another
        self.heard = 0.0
        self.up: bool | None = None

    async def read(self) -> Snapshot:
        return await self._heard(self._inner().read())

    async def write(self, change: Write) -> int:
        return await self._heard(self._inner().write(change))

    async def grant(self, ttl_s: float) -> int:
        return await self._heard(self._inner().grant(ttl_s))

    async def keep(self, lease: int) -> float:
        return await self._heard(self._inner().keep(lease))

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        watched = self._inner().watch(after)
        try:
            async for batch in watched:
                self._note(True)
                yield batch
        except Compacted:
            raise
        except Exception:
            self._note(False)
            raise
        finally:
            close = getattr(watched, "aclose", None)
            if close is not None:
                await close()

    async def close(self) -> None:
        if self._registry is not None:
            await self._registry.close()
            self._registry = None

    def _inner(self) -> Registry:
        if self._registry is None:
            try:
                self._registry = self._connect()
            except BadInput as error:
                self._note(False)
                raise Unreachable(f"no way to the registry: {error.message}", error.hint) from error
        return self._registry

    async def _heard(self, asked: Awaitable[T]) -> T:
        """Answers that only say that something else is so by now, or that a newer record is kept, are answers too."""
        try:
            found = await asked
        except (Conflict, LeaseGone, Compacted, Outdated):
            self._note(True)
            raise
        except Exception:
            self._note(False)
            raise
        self._note(True)
        return found

    def _note(self, up: bool) -> None:
        before, self.up = self.up, up
        self._metrics.hear(up)
        if up:
            self.heard = self._now()
        if before != up:
            self.turned()
