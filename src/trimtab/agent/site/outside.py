"""What routers tell the estate store: what this one came to with its own site, and what it hears of a site that leaves.

Our own Adj-RIB-Out says what we told our upstreams. Whether the Internet still has the route, somebody else's upstreams say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_network
from typing import Protocol

from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.agent.site.steer import UPSTREAM
from trimtab.daemons.bird.wire import Prefix, Route
from trimtab.ops.arbiter.ledger import Heard
from trimtab.ops.arbiter.records import encode, key_of
from trimtab.ops.steering.wish import Done
from trimtab.registry.base import Write, Writer

DONE_PACE = Pace(window=0.0, resync=5.0, first=0.1, most=2.0)
OUTSIDE_PACE = Pace(window=0.0, resync=0.5, first=0.2, most=2.0)  # only while some site is on its way


class TellDone:
    """done: what the router came to, None before it has. there: what the store has at a key."""

    name = "steer-done"

    def __init__(
        self, store: Writer, done: Callable[[], Done | None], there: Callable[[str], bytes | None]
    ) -> None:
        self._store, self._done, self._there = store, done, there

    def keys(self) -> Collection[str]:
        return ("done",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if (done := self._done()) is None:
            return DONE
        key, value = key_of(done), encode(done)
        if self._there(key) != value:
            await self._store.write(Write(put={key: value}))
        return DONE


class RoutesLike(Protocol):
    async def routes(self, prefix: Prefix, table: str = "") -> Sequence[Route]: ...


class Outside:
    """others: by site, its own prefixes, which nobody but it originates. leaving: the sites that are on their way now."""

    name = "steer-outside"

    def __init__(
        self,
        store: Writer,
        lease: Lease,
        bird: RoutesLike,
        host: str,
        others: Mapping[str, Collection[str]],
        leaving: Callable[[], Collection[str]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._lease, self._bird, self._host = store, lease, bird, host
        self._others = {site: tuple(map(ip_network, prefixes)) for site, prefixes in others.items()}
        self._leaving, self._now = leaving, now
        self._said: dict[str, tuple[bool, int]] = {}

    def keys(self) -> Collection[str]:
        return [site for site in self._leaving() if site in self._others]

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """What was said of a site that has come to rest is forgotten; its record ends with a new one or the lease."""
        self._said = {site: said for site, said in self._said.items() if site in self.keys()}
        lease = await self._lease.get() if keys else 0
        for site in sorted(keys & self._others.keys()):
            hears = await self._hears(site)
            if self._said.get(site) == (hears, lease):
                continue
            heard = Heard(site, self._host, hears, round(self._now(), 3))
            await self._lease.write(self._store, Write(leased={key_of(heard): encode(heard)}, lease=lease))
            self._said[site] = (hears, lease)
        return DONE

    async def _hears(self, site: str) -> bool:
        for prefix in self._others[site]:
            routes = await self._bird.routes(prefix, f"wan{prefix.version}")
            if any(UPSTREAM.fullmatch(route.protocol) for route in routes):
                return True
        return False
