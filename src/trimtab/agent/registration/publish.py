"""What this host says of itself in the registry, under its lease; and the operator's words that a registry lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from trimtab.agent.membership.store import Store
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import Conflict, DriverError, Unreachable
from trimtab.registry.base import Write, Writer
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import TEXT, shown
from trimtab.registry.record import Claim, HostState, Member, Restart, key_of

PACE = Pace(window=0.1, resync=5.0)
RESTORE_PACE = Pace(window=0.1, resync=30.0)
MOST_UNITS = 32
MAX_WHY = 80  # characters of the reason of a restart: a record holds all of a host


class Publish:
    """states: unit → its state in words. restarts: unit → its last one. since: when the agent began, seconds since 1970."""

    name = "publish"

    def __init__(
        self,
        registry: Writer,
        lease: Lease,
        host: str,
        states: Callable[[], Mapping[str, str]],
        restarts: Callable[[], Mapping[str, Restart]] = dict,
        now: Callable[[], float] = time.time,
        since: float = 0.0,
    ) -> None:
        self._registry, self._lease, self._host = registry, lease, host
        self._states, self._restarts, self._now, self._since = states, restarts, now, since
        self._said: tuple[HostState, int] | None = None  # and the lease that the record hangs on

    def keys(self) -> Collection[str]:
        return ("host",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        units = {plain(unit): plain(state) for unit, state in sorted(self._states().items())[:MOST_UNITS]}
        anew = {
            plain(unit): Restart(each.at, plain(each.why)[:MAX_WHY])
            for unit, each in sorted(self._restarts().items())[:MOST_UNITS]
        }
        lease, told = await self._lease.get(), HostState(self._host, units, restarts=anew, since=self._since)
        if self._said == (told, lease):
            return DONE
        state = replace(told, at=round(self._now(), 3))
        await self._lease.write(self._registry, Write(leased={key_of(state): encode(state)}, lease=lease))
        self._said = told, lease
        return DONE


class Restore:
    """A registry that came back without its data, or with old data, gets back what it lost from whoever followed it, and
    where several do, from the first. Members too: those who are registered by hand or whose agent is stopped would not
    come by themselves. Keys are those of the records.
    """

    name = "restore"

    def __init__(self, registry: Writer, store: Store, log: Log) -> None:
        self._registry, self._store, self._log = registry, store, log

    def keys(self) -> Collection[str]:
        return list(self._store.orphans)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        failures: dict[str, Exception] = {}
        for key in sorted(keys, reverse=True):  # members before the claims that go with them
            if (change := give_back(key, self._store.orphans, self._store.older)) is None:
                continue
            try:
                await self._registry.write(change)
                self._log.warning("given back to a registry that had lost it", key=shown(key))
            except Conflict:
                continue  # there already; the watch tells
            except Unreachable as error:
                return Result(dict.fromkeys(keys, error))
            except DriverError as error:
                failures[key] = error
        return Result(failures)


def give_back(key: str, orphans: Mapping[str, bytes], older: Mapping[str, bytes]) -> Write | None:
    """Only in the place of what was found there: nothing, or an older word. A member goes with its claim. None: it has
    come back, or goes with its member.
    """
    if key not in orphans:
        return None
    record = decode(key, orphans[key])
    if key in older:
        return Write(put={key: orphans[key]}, equal={key: older[key]})
    if isinstance(record, Claim) and f"members/{record.pool}/{record.name}" in orphans:
        return None
    if not isinstance(record, Member):
        return Write(put={key: orphans[key]}, absent=(key,))
    claim = Claim(record.pool, record.id, record.name)
    if (number := key_of(claim)) not in orphans:
        return Write(put={key: orphans[key]}, absent=(key,), equal={number: encode(claim)})
    return Write(put={key: orphans[key], number: orphans[number]}, absent=(key, number))


def plain(text: str) -> str:
    """What a record may hold."""
    found = shown(text, 200)
    return found if TEXT.fullmatch(found) else "".join(c if TEXT.fullmatch(c) else "?" for c in found)
