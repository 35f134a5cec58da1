"""The agent's records on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from pathlib import Path

from trimtab.agent.membership.persistence import store_text
from trimtab.agent.membership.store import Store
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.drivers.files import write_atomically

SAVE_PACE = Pace(window=0.5, spacing=5.0, resync=240.0)
SAVE_AGAIN_S = 200.0  # well below `persistence.RECENT_S`, so that the file of an agent that runs is recent


class Saver:
    """store.json: what the agent begins with when the registry is away. now: seconds since 1970."""

    name = "store"

    def __init__(self, store: Store, path: Path, now: Callable[[], float] = time.time) -> None:
        self._store, self._path, self._now = store, path, now
        self._written, self._at = b"", 0.0

    def keys(self) -> Collection[str]:
        return ("store",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Before anything recent is known the file stands: it is all that there is."""
        content, now = store_text(self._store), self._now()
        again = not 0 <= now - self._at < SAVE_AGAIN_S
        if self._store.revision and (content != self._written or again):
            dated = store_text(self._store, now)
            await asyncio.to_thread(write_atomically, self._path, dated, 0o640)
            self._written, self._at = content, now
        return DONE
