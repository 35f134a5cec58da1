"""Follows the registry: read everything, then watch; whatever goes wrong, the last good state holds and it begins anew."""

from __future__ import annotations

import asyncio
import random as _random
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Generic, Literal, Protocol, TypeVar

from trimtab.agent.runtime.backoff import Backoff, Random
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import StoreFigures
from trimtab.errors import Compacted, DriverError
from trimtab.registry.base import Batch, Reader, Snapshot

FIRST_S, MOST_S = 0.1, 5.0
READ_AGAIN_S = 300.0  # level-triggered to the last: what a watch might have missed
EXPIRE_S = 1.0
State = Literal["starting", "following", "away"]
C = TypeVar("C", covariant=True)  # what a change touched; false where it touched nothing


class Followed(Protocol[C]):
    """What is kept in step. now: seconds of the loop's clock."""

    @property
    def revision(self) -> int: ...
    def replace(self, snapshot: Snapshot, now: float) -> C: ...
    def apply(self, batch: Batch, now: float) -> C: ...
    def expire(self, now: float, since: float) -> C: ...


D = TypeVar("D")


class Follow(Generic[D]):
    """changed: told what may differ, and whether that came from a complete read.  turned: told when `state` is another."""

    def __init__(
        self,
        registry: Reader,
        store: Followed[D],
        changed: Callable[[D, bool], None],
        log: Log,
        metrics: StoreFigures,
        random: Random = _random.random,
        turned: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry, self._store, self._changed = registry, store, changed
        self._log, self._metrics, self._turned = log, metrics, turned
        self._backoff = Backoff(FIRST_S, MOST_S, random)
        self._tasks: list[asyncio.Task[None]] = []
        self.state: State = "starting"
        self._since = 0.0  # when `state` became what it is

    def known(self, now: float) -> float:
        """When what is held was last known to be so, in the loop's clock; -inf before it was ever read."""
        if self.state == "starting":
            return -inf
        return now if self.state == "following" else self._since

    async def run(self) -> None:
        """Until `stop`, or cancelled."""
        self._tasks = [asyncio.create_task(self._for_ever()), asyncio.create_task(self._expire())]
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            self.stop()

    def stop(self) -> None:
        """At once: whatever has been read is in the store."""
        for task in self._tasks:
            task.cancel()

    async def _for_ever(self) -> None:
        while True:
            await self._once()

    async def _once(self) -> None:
        """One read, and the watch that follows until something goes wrong."""
        began = _now()
        try:
            await self._read()
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_AGAIN_S):
                    await self._watch(began)
        except Compacted as error:
            self._log.info("read again", why=str(error))
            wait = self._backoff.failed()
            await asyncio.sleep(wait if self._backoff.failures > 1 else 0)
        except DriverError as error:
            await self._away(str(error) or type(error).__name__)
        except Exception as error:  # a defect may not end it: the next read begins from nothing
            self._log.crash("follow crashed", error)
            self._metrics.errors.labels("follow", "crash").inc()
            await self._away(repr(error))

    async def _read(self) -> None:
        snapshot = await self._registry.read()
        changed = self._store.replace(snapshot, _now())
        if self.state != "following":
            self._log.info("registry read", revision=snapshot.revision, records=len(snapshot.records))
        self._turn("following")
        self._metrics.registry_revision.set(snapshot.revision)
        self._changed(changed, True)

    async def _watch(self, began: float) -> None:
        watched = self._registry.watch(self._store.revision)
        try:
            async for batch in watched:
                changed = self._store.apply(batch, _now())
                self._backoff.worked()
                self._metrics.registry_revision.set(batch.revision)
                if changed:
                    self._changed(changed, False)
        finally:
            if _now() - began > MOST_S:  # a quiet registry is no failing one
                self._backoff.worked()
            close = getattr(watched, "aclose", None)
            if close is not None:
                await close()

    async def _away(self, why: str) -> None:
        if self.state != "away":
            self._log.warning("registry unreachable, serving the cached state", why=why)
        self._turn("away")
        await asyncio.sleep(self._backoff.failed())

    def _turn(self, state: State) -> None:
        if self.state != state:
            self.state, self._since = state, _now()
            self._turned()

    async def _expire(self) -> None:
        """Only while the registry is followed: who did not register again while it was away could not."""
        while True:
            await asyncio.sleep(EXPIRE_S)
            if self.state != "following":
                continue
            try:
                if changed := self._store.expire(_now(), self._since):
                    self._changed(changed, False)
            except Exception as error:
                self._log.crash("follow crashed", error)


def _now() -> float:
    return asyncio.get_running_loop().time()
