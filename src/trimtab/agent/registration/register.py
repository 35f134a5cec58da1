"""Registers what this host serves: a number of its own in the pool, the member, and its health under the host's lease.

In the steady state nothing is written: one transaction asks whether all still is as it was. Whatever was lost, by a wiped
registry too, is written again, with the same number where nobody else took it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from trimtab.agent.registration.folder import Folder, saved_members, saved_text
from trimtab.agent.registration.name_ownership import Names
from trimtab.agent.registration.name_ownership import Refuse as RefuseName
from trimtab.agent.registration.plan import Records, encoded, numbers, plan, plan_removal
from trimtab.agent.runtime.lease import Lease
from trimtab.agent.runtime.log import Log
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.drivers.files import read_json, write_atomically
from trimtab.errors import Conflict, DriverError, Refused, Unreachable
from trimtab.registry.base import Registry, Write
from trimtab.registry.record import MAX_ID, Alive, Claim, Member, Record

PACE = Pace(window=0.005, resync=10.0, limit=60.0)
FOLDER_PACE = Pace(window=0.0, resync=1.0, most=5.0)
READS, TRIES = 4, 16  # until the loop's back-off takes over


class FolderWatch:
    """Looks into the folder each second."""

    name = "register-folder"

    def __init__(self, folder: Folder, changed: Callable[[], None]) -> None:
        self._folder, self._changed = folder, changed

    def keys(self) -> Collection[str]:
        return ("folder",)

    async def reconcile(self, keys: frozenset[str]) -> Result:
        if self._folder.look():
            self._changed()
        return DONE


class Register:
    """Keys are POOL/NAME: what the folder wants, and what was registered and is wanted no more."""

    name = "register"

    def __init__(
        self,
        registry: Registry,
        folder: Folder,
        lease: Lease,
        saved: Path,
        log: Log,
        refuse: RefuseName = lambda key, reason, why: None,
    ) -> None:
        self._registry, self._folder, self._lease = registry, folder, lease
        self._path, self._log = saved, log
        self._leased: dict[str, int] = {}  # the lease under which each is known to be alive
        self._snapshot: Records | None = None
        self._names = Names(registry, refuse)
        self._held: dict[str, str] = {}
        self.registered = self._load()

    def keys(self) -> Collection[str]:
        return {*self._folder.wanted, *self.registered}

    def working(self) -> Collection[str]:
        """What is in the registry, as far as we know."""
        return self._leased.keys()

    def taken(self) -> Mapping[str, str]:
        """What is refused because another host has the name, and why."""
        return self._names.taken()

    def held(self) -> Mapping[str, str]:
        """What would be taken out, and the file, or folder, that has to be readable first."""
        return self._held

    async def reconcile(self, keys: frozenset[str]) -> Result:
        failures: dict[str, Exception] = {}
        self._snapshot = None
        self._names.keep_only(self.keys())
        self._find_held()
        for key in sorted(keys):
            try:
                await self._one(key)
            except Unreachable as error:  # the others would wait for nothing
                self._leased.clear()
                return Result({**dict.fromkeys(keys, error), **failures})
            except DriverError as error:
                failures[key] = error
                self._leased.pop(key, None)
        return Result(failures)

    def _find_held(self) -> None:
        gone = self.registered.keys() - self._folder.wanted.keys() if self._folder.unsure() else set()
        before, self._held = self._held, dict.fromkeys(sorted(gone), self._folder.holder())
        if fresh := [key for key in self._held if key not in before]:
            why = "no file registers these any more, but one that cannot be read may: mend it or remove it"
            self._log.warning("deregistration held", members=fresh, by=self._folder.holder(), why=why)

    async def _one(self, key: str) -> None:
        """What the folder says no more is left as it is until that is certain; where the folder cannot be read, kept up."""
        if (wanted := self._folder.wanted.get(key)) is not None:
            await self._ensure(key, wanted)
        elif key in self.registered and self._folder.gone(key):
            await self._remove(key)
        elif key in self.registered and self._folder.unsure():
            await self._ensure(key, self.registered[key])

    async def _ensure(self, key: str, wanted: Member) -> None:
        lease, old = await self._lease.get(), self.registered.get(key)
        if old is not None and self._leased.get(key) == lease:
            whole: list[Record] = [
                replace(wanted, id=old.id),
                Claim(old.pool, old.id, old.name),
                Alive(old.pool, old.name),
            ]
            with suppress(Conflict):
                await self._registry.write(Write(equal=encoded(whole)))
                return
        await self._names.ask(key, wanted)
        for _ in range(READS):
            if await self._put(key, wanted, lease):
                return
            self._snapshot = None
        raise Conflict(f"{key}: others were faster {READS} times", "it is tried again")

    async def _put(self, key: str, wanted: Member, lease: int) -> bool:
        """With the first number that can be had; False where what was read is too old."""
        records, old = await self._read(), self.registered.get(key)
        self._names.judge(key, records, wanted, old, lease)
        self._names.putting(key, wanted)
        for tries, number in enumerate(numbers(records, wanted, old.id if old else None)):
            if tries == TRIES:
                return False
            member = replace(wanted, id=number)
            await self._remember(
                {**self.registered, key: member}
            )  # first, so that a crash leaves nothing behind
            try:
                await self._lease.write(self._registry, plan(records, member, lease))
            except Conflict:
                if old is not None and number == old.id:
                    return False  # perhaps it was given back to us by a proxy's agent (`Restore`)
                continue
            self._leased[key] = lease
            self._names.put(key, lease)
            self._log.info("registered", member=key, id=number, address=member.address, port=member.port)
            return True
        raise Refused(f"{wanted.pool} has no number left of {MAX_ID}", "take members out that are gone")

    async def _remove(self, key: str) -> None:
        ours = self.registered[key]
        if change := plan_removal(await self._read(), ours, self._names.places(key)):
            await self._registry.write(change)
            self._log.info("deregistered", member=key, id=ours.id)
        self._leased.pop(key, None)
        self._names.forget(key)
        await self._remember({name: each for name, each in self.registered.items() if name != key})

    async def _read(self) -> Records:
        if self._snapshot is None:
            self._snapshot = (await self._registry.read()).records
        return self._snapshot

    async def _remember(self, registered: dict[str, Member]) -> None:
        if registered != self.registered:
            await asyncio.to_thread(write_atomically, self._path, saved_text(registered))
            self.registered = registered

    def _load(self) -> dict[str, Member]:
        try:
            return saved_members(read_json(self._path))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._log.warning("registrations forgotten", file=str(self._path), why=str(error))
            return {}
