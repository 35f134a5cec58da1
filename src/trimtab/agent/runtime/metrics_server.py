"""The agent's metrics, served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.result import DONE, Result


class MetricsServer:
    """Tried until the address is there and the port is free."""

    name = "metrics"

    def __init__(self, metrics: Metrics, address: str, port: int) -> None:
        self._metrics, self._address, self._port = metrics, address, port
        self._end: Callable[[], None] | None = None

    def keys(self) -> Collection[str]:
        return ("server",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if self._end is None:
            self._end = self._metrics.serve(self._address, self._port)
        return DONE

    async def end(self) -> None:
        if self._end is not None:
            await asyncio.to_thread(self._end)
            self._end = None
