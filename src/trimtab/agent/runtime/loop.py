"""The one loop of every controller: it owns the queue, the back-off and the figures; a controller only reconciles.

Level-triggered, as controller-runtime has it: what a key was marked for does not matter, only that it may differ. A
reconcile reads everything and writes the difference; twice changes nothing.
"""

from __future__ import annotations

import asyncio
import random as _random
from collections.abc import Collection, Mapping
from typing import Protocol

from trimtab.agent.runtime.backoff import Random
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace, Queue
from trimtab.agent.runtime.result import Result
from trimtab.errors import Terminal, TrimtabError


class Controller(Protocol):
    """name: a label, so from a closed set."""

    name: str

    def keys(self) -> Collection[str]:
        """All that it looks after, for the resync."""
        ...

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """Make these what they should be. Whatever it raises, all failed. Keys that are no longer known are none of its business
        and done.
        """
        ...


class Loop:
    """Runs one controller: one reconcile at a time, until `stop`."""

    def __init__(
        self, controller: Controller, pace: Pace, log: Log, metrics: Metrics, random: Random = _random.random
    ) -> None:
        self.name = controller.name
        self._controller, self._pace, self._log, self._metrics = controller, pace, log, metrics
        self._queue = Queue(pace, random)
        self._wake = asyncio.Event()
        self._stopping = False
        self._said: dict[str, str] = {}

    def mark(self, keys: Collection[str]) -> None:
        """These may differ from what is wanted."""
        self._queue.mark(keys, _now())
        self._wake.set()

    def urge(self, keys: Collection[str] | None = None) -> None:
        """At once, back-off or not. None: all of them."""
        self._queue.urge(self._controller.keys() if keys is None else keys, _now())
        self._wake.set()

    def stop(self) -> None:
        """`run` returns when the reconcile under way is done."""
        self._stopping = True
        self._wake.set()

    def failing(self) -> Mapping[str, str]:
        """Key → why it failed last."""
        return self._said

    async def run(self) -> None:
        while not self._stopping:
            now = _now()
            if self._queue.resync(now):
                self._resync(now)
            if keys := self._queue.take(now):
                await self._reconcile(keys)
            else:
                await self._sleep(self._queue.wait(now))

    def _resync(self, now: float) -> None:
        try:
            keys = self._controller.keys()
        except Exception as error:  # a defect of one controller stops no other
            self._log.crash("controller crashed", error, controller=self.name)
            return
        self._queue.keep_only(keys)
        self._queue.mark(keys, now)

    async def _sleep(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(min(seconds, 3600.0), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()

    async def _reconcile(self, keys: frozenset[str]) -> None:
        began = _now()
        try:
            async with asyncio.timeout(self._pace.limit):
                result = await self._controller.reconcile(keys)
        except Exception as error:  # the next attempt is as good as any: retried with back-off, and said
            result = Result(dict.fromkeys(keys, error))
        self._queue.settle(keys, result, _now())
        self._metrics.durations.labels(self.name).observe(_now() - began)
        self._metrics.reconciles.labels(self.name).inc(len(keys))
        self._metrics.failing.labels(self.name).set(len(self._queue.failing()))
        self._report(keys, result.failed)

    def _report(self, keys: frozenset[str], failures: Mapping[str, Exception]) -> None:
        """Each reason once, not at each attempt; a reason that many keys share once as well."""
        for kind in map(_kind, failures.values()):
            self._metrics.errors.labels(self.name, kind).inc()
        fresh: dict[str, list[str]] = {}
        for key, error in failures.items():
            text = str(error) or type(error).__name__
            if self._said.get(key) != text:
                self._said[key] = text
                fresh.setdefault(text, []).append(key)
        for text, those in fresh.items():
            self._tell(text, sorted(those), failures[those[0]])
        if well := sorted(key for key in keys - failures.keys() if self._said.pop(key, None) is not None):
            self._log.info("works again", controller=self.name, keys=well)

    def _tell(self, text: str, keys: list[str], error: Exception) -> None:
        if _kind(error) == "crash":
            self._log.crash("controller crashed", error, controller=self.name, keys=keys)
        else:
            what = "left alone until it changes" if _kind(error) == "terminal" else "tried again"
            self._log.warning(f"failed, {what}", controller=self.name, keys=keys, why=text)


def _kind(error: Exception) -> str:
    """expected: a daemon or a disk said no.  terminal: retrying cannot mend it.  crash: a defect."""
    if isinstance(error, Terminal):
        return "terminal"
    return "expected" if isinstance(error, TrimtabError | OSError) else "crash"  # TimeoutError is an OSError


def _now() -> float:
    return asyncio.get_running_loop().time()
