"""What this host says of itself in the registry, under its lease; and the operator's words that a registry lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from trimtab.control.lease import Lease
from trimtab.control.log import Log
from trimtab.control.loop import Failures
from trimtab.control.queue import Pace
from trimtab.control.store import Store
from trimtab.drivers.registry.base import Write, Writer
from trimtab.drivers.registry.record import TEXT, HostState, encode, key_of, shown
from trimtab.errors import Conflict, DriverError, LeaseGone, Unreachable

PACE = Pace(window=0.1, resync=5.0)
RESTORE_PACE = Pace(window=0.1, resync=30.0)
MOST_UNITS = 32


class Publish:
    """states: unit → its state in words."""

    name = "publish"

    def __init__(
        self,
        registry: Writer,
        lease: Lease,
        host: str,
        states: Callable[[], Mapping[str, str]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registry, self._lease, self._host = registry, lease, host
        self._states, self._now = states, now

    def keys(self) -> Collection[str]:
        return ("host",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        units = {plain(unit): plain(state) for unit, state in sorted(self._states().items())[:MOST_UNITS]}
        state = HostState(self._host, units, round(self._now(), 3))
        lease = await self._lease.get()
        try:
            await self._registry.write(Write(leased={key_of(state): encode(state)}, lease=lease))
        except LeaseGone:
            self._lease.lost(lease)
            raise
        return {}


class Restore:
    """A registry that came back without its data loses what operators said; whoever followed it gives it back, and where
    several do, the first. Keys are those of the records.
    """

    name = "restore"

    def __init__(self, registry: Writer, store: Store, log: Log) -> None:
        self._registry, self._store, self._log = registry, store, log

    def keys(self) -> Collection[str]:
        return list(self._store.orphans)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        failures: dict[str, Exception] = {}
        for key in sorted(keys & self._store.orphans.keys()):
            try:
                await self._registry.write(Write(put={key: self._store.orphans[key]}, absent=(key,)))
                self._log.warning("given back to a registry that had lost it", key=shown(key))
            except Conflict:
                continue  # there already; the watch tells
            except Unreachable as error:
                return dict.fromkeys(keys, error)
            except DriverError as error:
                failures[key] = error
        return failures


def plain(text: str) -> str:
    """What a record may hold."""
    found = shown(text, 200)
    return found if TEXT.fullmatch(found) else "".join(c if TEXT.fullmatch(c) else "?" for c in found)
