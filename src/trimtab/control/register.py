"""Registers what this host serves: a number of its own in the pool, the member, and its health under the host's lease.

In the steady state nothing is written: one transaction asks whether all still is as it was. Whatever was lost, by a wiped
registry too, is written again, with the same number where nobody else took it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from trimtab.control.files import read_json, write_atomically
from trimtab.control.lease import Lease
from trimtab.control.log import Log
from trimtab.control.loop import Failures
from trimtab.control.queue import Pace
from trimtab.control.registrations import Folder, saved_members, saved_text
from trimtab.drivers.registry.base import Registry, Write
from trimtab.drivers.registry.record import (
    MAX_ID,
    Alive,
    BadRecord,
    Claim,
    Member,
    Record,
    decode,
    encode,
    key_of,
)
from trimtab.errors import Conflict, DriverError, LeaseGone, Refused, Unreachable

PACE = Pace(window=0.005, resync=10.0, limit=60.0)
FOLDER_PACE = Pace(window=0.0, resync=1.0, most=5.0)
READS, TRIES = 4, 16  # until the loop's back-off takes over
Records = Mapping[str, bytes]


class FolderWatch:
    """Looks into the folder each second."""

    name = "register-folder"

    def __init__(self, folder: Folder, changed: Callable[[], None]) -> None:
        self._folder, self._changed = folder, changed

    def keys(self) -> Collection[str]:
        return ("folder",)

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        if self._folder.look():
            self._changed()
        return {}


class Register:
    """Keys are POOL/NAME: what the folder wants, and what was registered and is wanted no more."""

    name = "register"

    def __init__(self, registry: Registry, folder: Folder, lease: Lease, saved: Path, log: Log) -> None:
        self._registry, self._folder, self._lease = registry, folder, lease
        self._path, self._log = saved, log
        self._leased: dict[str, int] = {}  # the lease under which each is known to be alive
        self._snapshot: Records | None = None
        self.registered = self._load()

    def keys(self) -> Collection[str]:
        return {*self._folder.wanted, *self.registered}

    def working(self) -> Collection[str]:
        """What is in the registry, as far as we know."""
        return self._leased.keys()

    async def reconcile(self, keys: frozenset[str]) -> Failures:
        failures: dict[str, Exception] = {}
        self._snapshot = None
        for key in sorted(keys):
            try:
                await self._one(key)
            except Unreachable as error:  # the others would wait for nothing
                self._leased.clear()
                return {**dict.fromkeys(keys, error), **failures}
            except DriverError as error:
                failures[key] = error
                self._leased.pop(key, None)
        return failures

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
                await self._registry.write(Write(equal=_encoded(whole)))
                return
        for _ in range(READS):
            if await self._put(key, wanted, lease):
                return
            self._snapshot = None
        raise Conflict(f"{key}: others were faster {READS} times", "it is tried again")

    async def _put(self, key: str, wanted: Member, lease: int) -> bool:
        """With the first number that can be had; False where what was read is too old."""
        records, old = await self._read(), self.registered.get(key)
        for tries, number in enumerate(numbers(records, wanted, old.id if old else None)):
            if tries == TRIES:
                return False
            member = replace(wanted, id=number)
            await self._remember(
                {**self.registered, key: member}
            )  # first, so that a crash leaves nothing behind
            try:
                await self._registry.write(plan(records, member, lease))
            except Conflict:
                if old is not None and number == old.id:
                    return False  # perhaps it was given back to us by a proxy's agent (`Restore`)
                continue
            except LeaseGone:
                self._lease.lost(lease)
                raise
            self._leased[key] = lease
            self._log.info("registered", member=key, id=number, address=member.address, port=member.port)
            return True
        raise Refused(f"{wanted.pool} has no number left of {MAX_ID}", "take members out that are gone")

    async def _remove(self, key: str) -> None:
        ours = self.registered[key]
        if change := plan_removal(await self._read(), ours):
            await self._registry.write(change)
            self._log.info("deregistered", member=key, id=ours.id)
        self._leased.pop(key, None)
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


# ---- what is to be written; pure


def numbers(records: Records, member: Member, last: int | None) -> Iterator[int]:
    """Numbers that this member may have, the best first: the one it has, the one it had, the lowest that are free."""
    claims, others = _claims(records, member.pool), _numbers_of_others(records, member)
    mine = sorted(number for number, name in claims.items() if name == member.name)
    present = _decoded(records, f"members/{member.pool}/{member.name}")
    if isinstance(present, Member) and present.id in mine:
        mine.insert(0, present.id)
    first = [*mine, *([last] if last is not None and last not in claims and last not in others else [])]
    yield from dict.fromkeys(first)
    taken = {*claims, *others, *first}
    yield from (number for number in range(1, MAX_ID + 1) if number not in taken)


def plan(records: Records, member: Member, lease: int) -> Write:
    """Member, claim and health at once; other numbers in its name are given back."""
    claim = Claim(member.pool, member.id, member.name)
    wanted, spare = _encoded([member, claim]), _claims_of(records, member)
    spare.pop(key_of(claim), None)
    held = {key_of(claim): records[key_of(claim)]} if _owner(records, key_of(claim)) == member.name else {}
    return Write(
        put={key: value for key, value in wanted.items() if records.get(key) != value},
        delete=tuple(spare),
        leased=_encoded([Alive(member.pool, member.name)]),
        lease=lease,
        absent=() if held else (key_of(claim),),
        equal={**spare, **held},
    )


def plan_removal(records: Records, ours: Member) -> Write | None:
    """None where there is nothing of ours: another host may have the name by now."""
    key = key_of(ours)
    present = _decoded(records, key)
    if isinstance(present, Member) and (present.address, present.port) != (ours.address, ours.port):
        return None
    there = {k: records[k] for k in (key,) if k in records} | _claims_of(records, ours)
    alive = key_of(Alive(ours.pool, ours.name))
    gone = (*there, *([alive] if alive in records else []))
    return Write(delete=gone, equal=there) if gone else None


def _encoded(records: Collection[Record]) -> dict[str, bytes]:
    return {key_of(record): encode(record) for record in records}


def _decoded(records: Records, key: str) -> Record | None:
    try:
        return decode(key, records[key]) if key in records else None
    except BadRecord:
        return None


def _owner(records: Records, key: str) -> str | None:
    claim = _decoded(records, key)
    return claim.name if isinstance(claim, Claim) else None


def _claims(records: Records, pool: str) -> dict[int, str | None]:
    """Number → name; None where the claim cannot be read: then the number is not free either."""
    ours = f"ids/{pool}/"
    found = {key: key.removeprefix(ours) for key in records if key.startswith(ours)}
    return {
        int(text): _owner(records, key) for key, text in found.items() if text.isascii() and text.isdecimal()
    }


def _claims_of(records: Records, member: Member) -> dict[str, bytes]:
    mine = [number for number, name in _claims(records, member.pool).items() if name == member.name]
    return {key: records[key] for key in (f"ids/{member.pool}/{number}" for number in mine)}


def _numbers_of_others(records: Records, member: Member) -> set[int]:
    ours = f"members/{member.pool}/"
    found = [_decoded(records, key) for key in records if key.startswith(ours) and key != key_of(member)]
    return {each.id for each in found if isinstance(each, Member)}
