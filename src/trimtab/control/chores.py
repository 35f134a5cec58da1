"""Small controllers of the agent's own: its records on the disk, its metrics' server, the registry's authentication."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from pathlib import Path

from trimtab.agent_config import RegistryAccess
from trimtab.control.files import write_atomically
from trimtab.control.log import Log
from trimtab.control.loop import Failures
from trimtab.control.metrics import Metrics
from trimtab.control.queue import Pace
from trimtab.control.saved import store_text
from trimtab.control.store import Store
from trimtab.errors import TrimtabError

SAVE_PACE = Pace(window=0.5, spacing=5.0, resync=240.0)
SAVE_AGAIN_S = 200.0  # well below `saved.RECENT_S`, so that the file of an agent that runs is recent
ONCE_PACE = Pace(window=0.0, resync=30.0, first=0.5, most=15.0)


class Saver:
    """store.json: what the agent begins with when the registry is away. now: seconds since 1970."""

    name = "store"

    def __init__(self, store: Store, path: Path, now: Callable[[], float] = time.time) -> None:
        self._store, self._path, self._now = store, path, now
        self._written, self._at = b"", 0.0

    def keys(self) -> Collection[str]:
        return ("store",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        """Before anything recent is known the file stands: it is all that there is."""
        content, now = store_text(self._store), self._now()
        again = not 0 <= now - self._at < SAVE_AGAIN_S
        if self._store.revision and (content != self._written or again):
            dated = store_text(self._store, now)
            await asyncio.to_thread(write_atomically, self._path, dated, 0o640)
            self._written, self._at = content, now
        return {}


class MetricsServer:
    """Tried until the address is there and the port is free."""

    name = "metrics"

    def __init__(self, metrics: Metrics, address: str, port: int) -> None:
        self._metrics, self._address, self._port = metrics, address, port
        self._end: Callable[[], None] | None = None

    def keys(self) -> Collection[str]:
        return ("server",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        if self._end is None:
            self._end = self._metrics.serve(self._address, self._port)
        return {}

    async def end(self) -> None:
        if self._end is not None:
            await asyncio.to_thread(self._end)
            self._end = None


class Bootstrap:
    """On the registry's own hosts: its users and rights, until they are as they should be."""

    def __init__(
        self, access: RegistryAccess, root_password: Path, log: Log, name: str = "registry-auth"
    ) -> None:
        self._access, self._file, self._log, self.name = access, root_password, log, name
        self._done = False

    def keys(self) -> Collection[str]:
        return () if self._done else ("auth",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        """Without the password's file there is nothing to do yet; the resync looks again."""
        if self._done or not self._file.is_file():
            return {}
        from trimtab.registry.etcd.auth import ensure_auth

        password = self._file.read_text(encoding="utf-8").strip()
        if not password:
            raise TrimtabError(f"{self._file} is empty")
        if await ensure_auth(self._access, password):
            self._log.info("users and rights are set up", controller=self.name)
        self._done = True
        return {}
