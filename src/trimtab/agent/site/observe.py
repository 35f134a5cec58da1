"""Looks at every site's endpoint from here, and says in the estate store what is seen.

Two controllers: one looks, at the pace of `edge.health`, whether or not the store is there; the other writes the view when
a word changes, and now and then so that readers can tell an observer that looks from one that hangs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent_config import Front, WatchFile
from trimtab.daemons.front.ask import https, tcp
from trimtab.daemons.front.icmp import ping
from trimtab.daemons.front.judge import Answer, Probe, answered_by, judge
from trimtab.ops.health.reading import Reading, Vantage
from trimtab.ops.health.record import AGAIN_S, encode, key_of
from trimtab.ops.health.stream import Damping
from trimtab.ops.health.verdict import View
from trimtab.registry.base import Write, Writer

HTTPS_PORT = 443
PUBLISH_PACE = Pace(window=0.01, resync=5.0, first=0.2, most=5.0)


class Prober(Protocol):
    async def __call__(self, probe: Probe, front: Front, address: str) -> Answer: ...


class Probes:
    """The real ones. ca: a PEM file; limit_s: of each."""

    def __init__(self, ca: str, limit_s: float) -> None:
        self._ca, self._limit = ca, limit_s

    async def __call__(self, probe: Probe, front: Front, address: str) -> Answer:
        asks: Mapping[Probe, Callable[[], Awaitable[Answer]]] = {
            "https": lambda: https(address, HTTPS_PORT, front.name, front.path, self._ca, self._limit),
            "tcp": lambda: tcp(address, HTTPS_PORT, self._limit),
            "icmp": lambda: ping(address, self._limit),
        }
        return await asks[probe]()


class Observe:
    """changed: told when what is seen of a site is another word, or for another reason. now: seconds since 1970. unasked: the
    addresses that are black-holed, by which nobody can say whether a site serves.
    One that has failed once is asked twice as often until it is known, as HAProxy's `fastinter` has it, so that a silent one
    is known within `fall` intervals too.
    """

    name = "observe"

    def __init__(
        self,
        file: WatchFile,
        changed: Callable[[], None],
        probe: Prober | None = None,
        now: Callable[[], float] = time.time,
        unasked: Callable[[], Collection[str]] = tuple,
    ) -> None:
        damping = Damping(file.fall, file.rise)
        self._doubt_s = max(10.0, 5 * file.every)
        self._fronts = {front.site: front for front in file.fronts}
        self._vantage = Vantage.of(self._fronts, file.probes, damping, fresh_s=self._doubt_s)
        self._probe, self._changed, self._now = probe or Probes(file.ca, file.timeout), changed, now
        self._every, self._unasked = file.every, unasked
        self._others: dict[str, tuple[str, float]] = {}
        self.pace = Pace(window=0.0, resync=file.every, first=file.every, most=file.every, jitter=0.0)

    def keys(self) -> Collection[str]:
        return list(self._fronts)

    @property
    def readings(self) -> dict[str, Reading]:
        return self._vantage.readings()

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """All at once: one that does not answer delays no other."""
        before, began = self._vantage.readings(), time.monotonic()
        found = await asyncio.gather(*(self._look(self._fronts[site]) for site in sorted(keys)))
        now = self._now()
        for site, (seen, why) in zip(sorted(keys), found, strict=True):
            self._vantage = self._vantage.step(site, seen, why, now)
        if self._vantage.readings() != before:
            self._changed()
        rest = max(0.0, self._every / 2 - (time.monotonic() - began))
        return Result(requeue_after_s=dict.fromkeys(self._vantage.doubts & keys, rest))

    async def _look(self, front: Front) -> tuple[dict[Probe, bool | None], str]:
        """By probe, and why the strongest that fails does."""
        unasked = self._unasked()
        asked = [
            (probe, address)
            for probe in self._vantage.asked
            for address in front.addresses
            if address not in unasked
        ]
        if not asked:
            return {}, f"{', '.join(front.addresses)}: black-holed"
        answers = await asyncio.gather(*(self._probe(probe, front, address) for probe, address in asked))
        seen: dict[Probe, bool | None] = {}
        found: dict[
            tuple[Probe, bool], list[bool | None]
        ] = {}  # by family: clients choose among its addresses
        whys = []
        elsewhere = _elsewhere(asked, answers, front.site)
        doubtful = self._remembered(asked, answers, elsewhere)
        for (probe, address), answer in zip(asked, answers, strict=True):
            works, why = judge(answer, front.site)
            if works and address in elsewhere:
                works, why = False, f"{probe}: answered by {elsewhere[address]}"
            elif works and address in doubtful:
                works, why = None, f"{probe}: answered, most likely by {doubtful[address]}"
            found.setdefault((probe, ":" in address), []).append(works)
            if works is not True:
                whys.append(f"{why} ({address})" if len(front.addresses) > 1 else why)
        for (probe, _), words in found.items():
            works = one_of(words)
            seen[probe] = both(seen[probe], works) if probe in seen else works
        return seen, whys[0] if whys and not all(seen.values()) else ""

    def _remembered(
        self, asked: Sequence[tuple[Probe, str]], answers: Sequence[Answer], elsewhere: Mapping[str, str]
    ) -> dict[str, str]:
        """Address → the other site that answered for it a moment ago, where https says nothing this time: whose kernel takes
        connections is not known then. Without that a withdrawn site would be called unhealthy for a lost request.
        """
        now = self._now()
        for (probe, address), answer in zip(asked, answers, strict=True):
            if address in elsewhere:
                self._others[address] = (elsewhere[address], now)
            elif probe == "https" and answer.how == "came":
                self._others.pop(address, None)
        self._others = {a: seen for a, seen in self._others.items() if 0 <= now - seen[1] <= self._doubt_s}
        return {a: other for a, (other, _) in self._others.items() if a not in elsewhere}


def _elsewhere(asked: Sequence[tuple[Probe, str]], answers: Sequence[Answer], site: str) -> dict[str, str]:
    """Address → the other site that answers for it: then what its kernel and its proxies say is that one's too."""
    found = {
        address: answered_by(answer.text)
        for (probe, address), answer in zip(asked, answers, strict=True)
        if probe == "https" and answer.how == "came"
    }
    return {address: other for address, other in found.items() if other not in ("", site)}


def both(one: bool | None, other: bool | None) -> bool | None:
    """Two families of one front: clients of the one that fails are out. A host without IPv6 knows nothing of it."""
    if False in (one, other):
        return False
    return one if other is None else other


def one_of(words: Sequence[bool | None]) -> bool | None:
    """Of addresses that clients choose among: one that works is enough."""
    if True in words:
        return True
    return None if None in words else False


class PublishView:
    """readings: what is seen now."""

    name = "view"

    def __init__(
        self,
        store: Writer,
        lease: Lease,
        site: str,
        host: str,
        readings: Callable[[], Mapping[str, Reading]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._lease, self._site, self._host = store, lease, site, host
        self._readings, self._now = readings, now
        self._said: tuple[dict[str, Reading], int, float] | None = None

    def keys(self) -> Collection[str]:
        return ("view",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        readings, lease, now = dict(self._readings()), await self._lease.get(), self._now()
        if (
            self._said is not None
            and self._said[:2] == (readings, lease)
            and 0 <= now - self._said[2] < AGAIN_S
        ):
            return DONE
        view = View(self._site, self._host, readings, round(now, 3))
        await self._lease.write(self._store, Write(leased={key_of(view): encode(view)}, lease=lease))
        self._said = (readings, lease, now)
        return DONE
