"""Two open-loop streams over all targets: new connections, and requests on connections that stay."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from trimtab.drills.load.attempt import Link
from trimtab.drills.load.budget import Retries
from trimtab.drills.load.journey import Journey
from trimtab.drills.load.record import RecordWriter, Row

if TYPE_CHECKING:
    from trimtab.drills.load.spec import LoadSpec, Target


EARLY_SECONDS = 0.0005  # the loop's timers count milliseconds: what is nearly due is due


def trusting(ca: str) -> ssl.SSLContext:
    """TLS 1.3 with the name and the chain checked. One context for all: making one costs milliseconds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Metronome:
    """Calls `beat(due)` `rate` times a second, `burst` at a time. A late beat does not move the ones after it.

    Together they are cheaper: all programs on a request's way do the second one with warm caches. In the first `ramp`
    seconds the rate grows evenly from nothing: a start at full rate finds nothing open and nothing warm.
    """

    def __init__(
        self, rate: float, burst: int, begin: float, beat: Callable[[float], None], ramp: float = 0.0
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate, self._burst, self._begin, self._beat = rate / burst, burst, begin, beat
        self._ramp = ramp
        self._number = 0
        self._handle = self._loop.call_later(0, self._wake) if rate > 0 else None

    def _wake(self) -> None:
        now = time.monotonic()
        while (due := self._begin + due_s(self._number, self._rate, self._ramp)) <= now + EARLY_SECONDS:
            self._number += 1
            for _ in range(self._burst):
                self._beat(due)
        self._handle = self._loop.call_later(max(0.001, due - now), self._wake)

    def stop(self) -> None:
        if self._handle:
            self._handle.cancel()


def due_s(number: int, rate: float, ramp: float) -> float:
    """When beat `number`, the first is 0, is due: seconds from the start."""
    if number < rate * ramp / 2:
        return math.sqrt(2 * ramp * number / rate)
    return number / rate + ramp / 2


class Client:
    """All requests of one region. `under_way` is what has not ended yet; counters are since the start."""

    def __init__(self, spec: LoadSpec, record: RecordWriter) -> None:
        self._spec, self._record = spec, record
        self._context = trusting(spec.ca)
        self._retries = Retries(spec.retry_rate, spec.retry_burst, spec.retry_pause, spec.seed)
        self._idle: dict[Target, deque[Link]] = {target: deque() for target in spec.targets}
        self._kept_each = max(1, spec.kept_connections // max(1, len(spec.targets)))
        self._turn = {"new": spec.seed, "kept": spec.seed + 7}
        self.sent = self.ok = self.failed = self.under_way = 0
        self.late_max = 0.0
        self._quieter = asyncio.Event()

    def send_new(self, due: float) -> None:
        """A request on its own connection."""
        self._send("new", due, None)

    def send_kept(self, due: float) -> None:
        """A request on a connection of the pool; all of them busy or gone: on one more, which may stay."""
        self._send("kept", due, self._idle)

    def _send(self, kind: str, due: float, pool: dict[Target, deque[Link]] | None) -> None:
        turn = self._turn[kind]
        self._turn[kind] = turn + 1
        target = self._spec.targets[turn % len(self._spec.targets)]
        found = self._spec.sources.get(str(target.family), ())
        source = found[(turn // len(self._spec.targets)) % len(found)] if found else ""
        link = pool[target].popleft() if pool and pool[target] else None
        self.sent += 1
        self.under_way += 1
        journey = Journey(self._spec, self._context, self._retries, self._done)
        journey.begin("opened" if kind == "kept" and link is None else kind, target, source, due, link)

    def _done(self, row: Row, link: Link | None) -> None:
        self.under_way -= 1
        self._quieter.set()
        self.ok += row.ok
        self.failed += not row.ok
        self.late_max = max(self.late_max, row.late)
        self._record.add(row)
        if link and len(self._idle[link.target]) < self._kept_each:
            self._idle[link.target].append(link)
        elif link:
            link.close()

    async def quiet(self) -> None:
        """Wait until no request is under way; each of them is bounded by its own time-outs."""
        while self.under_way:
            self._quieter.clear()
            await self._quieter.wait()

    def close(self) -> None:
        for links in self._idle.values():
            for link in links:
                link.close()
            links.clear()
