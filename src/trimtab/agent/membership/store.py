"""What the registry says, typed, pool by pool. Nothing here is taken back on a doubt: of a bad record the last good one
stays, members that vanish from the registry stay for a while (`id_claims`), and what vanishes with it is given back (`Restore`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf

from trimtab.agent.membership.id_claims import HOLD_S, NOBODY, hold, number_of, settle
from trimtab.agent.membership.recovery import lost
from trimtab.agent.membership.state import Changed, Known, Pool, Why
from trimtab.registry.base import Batch, Snapshot
from trimtab.registry.codec import decode, encode
from trimtab.registry.fields import BadRecord
from trimtab.registry.record import (
    MAX_VALUE,
    Alive,
    CheckState,
    Claim,
    FrontState,
    HostState,
    Member,
    Override,
    ProxyOverride,
    Record,
    Split,
    key_of,
)

KINDS = ("members", "alive", "hand", "ids", "splits", "proxies")
OTHERS = (
    "hosts/",
    "fronts/",
    "checks/",
)  # what agents say of their daemons: many words, and nothing here acts on them
MOST_REFUSED = 1000  # that are remembered
_LET_GO = "members/{0}/{1} is let go: its number is claimed, but it is not registered"
Refuse = Callable[[str, str, str], None]  # key, reason, text


class Store:
    """refuse: told of each record that is refused, once as long as it stays the same."""

    def __init__(self, refuse: Refuse = lambda key, reason, text: None) -> None:
        self.revision = self._before = 0
        self.splits: dict[str, Split] = {}  # by SERVICE/NAME
        self.proxies: dict[str, ProxyOverride] = {}  # by host
        self.orphans: dict[str, bytes] = {}  # what a registry lost that went back in time (`Restore`)
        self.older: dict[str, bytes] = {}  # what it has in the place of some of them
        self._refuse = refuse
        self._raw: dict[str, bytes] = {}
        self._unusable: set[str] = set()  # all that `_raw` has and nobody can read; `_bad` is bounded
        self._bad: dict[str, Why] = {}
        self._known: dict[str, Known] = {}

    def pool(self, name: str) -> Pool:
        """Empty where nobody has registered."""
        known = self._known.get(name)
        return known.pool if known is not None else Pool()

    def replace(self, snapshot: Snapshot, now: float) -> Changed:
        """A full read. A revision below ours is that of a registry that was wiped or restored: what it lacks becomes an
        orphan, of two words of an operator the later holds, and members stay as they are for a while.
        """
        changed, back = Changed(), snapshot.revision < self.revision
        if back:
            ours = {key: value for key, value in self.lasting() if key in self._raw}  # not who was only held
            self._before, (self.orphans, self.older) = self.revision, lost(ours, snapshot.records)
        kept = self.orphans.keys() - self.older.keys()
        for key in [key for key in self._raw if key not in snapshot.records and key not in kept]:
            self._delete(key, changed)
        for known in self._known.values() if back else ():
            known.pins, known.pinned = dict(known.pool.members), now
        for key, value in snapshot.records.items():
            self._put(key, value, changed, live=not back)
        if not back:
            self._find_lacking(changed)
        self.revision = snapshot.revision
        return self._settle(changed, suspect=True, now=now)

    def _find_lacking(self, changed: Changed) -> None:
        for pool, known in self._known.items():
            absent = {n for n in known.settled if n not in known.found and n not in known.pins}
            if absent != known.lacking:
                known.lacking = absent
                changed.unsettled.add(pool)

    def apply(self, batch: Batch, now: float) -> Changed:
        """Changes that a watch told, in order."""
        changed = Changed()
        for key, value in batch.changes:
            if value is None:
                self._delete(key, changed)
            else:
                self._put(key, value, changed, live=True)
        self.revision = max(self.revision, batch.revision)
        return self._settle(changed, suspect=False, now=now)

    def expire(self, now: float, since: float = -inf) -> Changed:
        """Let go who was held long enough. since: when the registry was found to be followed, without a break until now:
        before that its silence said nothing.
        """
        changed, due = Changed(), now - HOLD_S
        for name, known in self._known.items() if since <= due else ():
            if known.pins and known.pinned <= due:
                self._unpin(name, known)
                changed.unsettled.add(name)
            if known.held.since is not None and known.held.since <= due:
                for each in known.held.members:
                    if each in known.lacking:
                        self._refuse(f"members/{name}/{each}", "member_missing", _LET_GO.format(name, each))
                known.held = NOBODY
                changed.unsettled.add(name)
        return self._settle(changed, suspect=False, now=now)

    def _unpin(self, pool: str, known: Known) -> None:
        """From now on claims decide: who cannot have its number back is not given back either."""
        pins, known.pins = known.pins, {}
        for name, member in pins.items():
            key, owner = f"members/{pool}/{name}", known.claims.get(member.id)
            if key in self.orphans and owner not in (None, name):
                self._refuse(key, "id_taken", f"{key} is let go: number {member.id} is that of {owner} now")
                self._delete(key, Changed())

    def load(self, records: Mapping[str, bytes], revision: int, now: float) -> Changed:
        """The last good state from the disk. Members without a claim were held, and stay members."""
        changed = Changed()
        for key, value in records.items():
            self._put(key, value, changed, live=False)
        for known in self._known.values():
            known.settled = dict(known.found)
            others = {m.name: m for m in known.found.values() if known.claims.get(m.id, m.name) != m.name}
            known.pins, known.pinned = others, now  # as they were when it was saved
        self.revision = revision
        return self._settle(changed, suspect=True, now=now)

    def lasting(self) -> Iterator[tuple[str, bytes]]:
        """What `load` takes: members as they are now, claims, overrides and splits. Not health: it ends with its lease."""
        for name, known in sorted(self._known.items()):
            yield from map(self._encoded, known.pool.members.values())
            yield from map(self._encoded, known.pool.overrides.values())
            yield from (self._encoded(Claim(name, number, owner)) for number, owner in known.claims.items())
        yield from map(self._encoded, self.splits.values())
        yield from map(self._encoded, self.proxies.values())

    def lineage(self) -> int:
        """The revision for `load`. Until everything is given back, a successor has to see that the registry went back."""
        return max(self.revision, self._before) if self.orphans else self.revision

    def refused(self) -> dict[str, Why]:
        """By key: every record that is refused now, and why."""
        return self._bad | {
            f"members/{pool}/{name}": why
            for pool, known in self._known.items()
            for name, why in known.refused.items()
        }

    def _encoded(self, record: Record) -> tuple[str, bytes]:
        """As the registry has it, if that is what we have: encoding thousands anew costs."""
        key = key_of(record)
        raw = self._raw.get(key)
        if raw is None or key in self._unusable:
            return key, encode(record)
        if isinstance(record, Member) and self._of(record.pool).found.get(record.name) is not record:
            return key, encode(record)  # what it wrote does not hold (yet)
        return key, raw

    # ---- one record

    def _put(self, key: str, value: bytes, changed: Changed, live: bool) -> None:
        """live: somebody wrote it after what we had."""
        if self.older.get(key) == value:
            return  # until the later one is given back
        self.orphans.pop(key, None)
        self.older.pop(key, None)
        if self._raw.get(key) == value or key.startswith(OTHERS):
            return
        self._raw[key] = value
        try:
            record = decode(key, value)
        except BadRecord as error:
            self._unusable.add(key)
            self._remember(key, _reason(key, value), str(error))
            return
        self._unusable.discard(key)
        self._bad.pop(key, None)
        self._take(record, changed)
        if live and isinstance(record, Member):
            self._renew_pin(record)

    def _renew_pin(self, member: Member) -> None:
        """A host's own word counts at once, but for the number."""
        pins = self._of(member.pool).pins
        if member.name in pins:
            pins[member.name] = replace(member, id=pins[member.name].id)

    def _take(self, record: Record, changed: Changed) -> None:
        match record:
            case Split(service=service, name=name):
                self.splits[f"{service}/{name}"] = record
                changed.splits.add(f"{service}/{name}")
            case ProxyOverride(name=name):
                self.proxies[name] = record
                changed.proxies.add(name)
            case HostState() | FrontState() | CheckState():
                pass
            case Member(pool=pool):
                self._of(pool).found[record.name] = record
                self._of(pool).lacking.discard(record.name)
                changed.unsettled.add(pool)
            case Claim(pool=pool):
                self._of(pool).claims[record.id] = record.name
                changed.unsettled.add(pool)
            case Override(pool=pool):
                self._of(pool).pool.overrides[record.name] = record
                self._of(pool).pool.version += 1
                changed.pools.add(pool)
            case Alive(pool=pool):
                self._of(pool).pool.alive[record.name] = record.health
                self._of(pool).pool.health_version += 1
                changed.told.add(pool)

    def _delete(self, key: str, changed: Changed) -> None:
        self.orphans.pop(key, None)
        self.older.pop(key, None)
        if self._raw.pop(key, None) is None:
            return
        self._unusable.discard(key)
        self._bad.pop(key, None)
        kind, place, name = (*key.split("/", 2), "", "")[:3]
        known = self._known.get(place)
        if kind == "splits":
            if self.splits.pop(f"{place}/{name}", None) is not None:
                changed.splits.add(f"{place}/{name}")
        elif kind == "proxies":
            if self.proxies.pop(place, None) is not None:
                changed.proxies.add(place)
        elif known is None:
            return
        elif kind == "members":
            known.found.pop(name, None)
            known.pins.pop(name, None)
            changed.unsettled.add(place)
        elif kind == "ids":
            known.claims.pop(number_of(name) or 0, None)
            changed.unsettled.add(place)
        elif kind == "hand" and known.pool.overrides.pop(name, None) is not None:
            known.pool.version += 1
            changed.pools.add(place)
        elif kind == "alive" and known.pool.alive.pop(name, None) is not None:
            known.pool.health_version += 1
            changed.told.add(place)

    def _of(self, pool: str) -> Known:
        return self._known.setdefault(pool, Known())

    # ---- a pool as a whole

    def _settle(self, changed: Changed, suspect: bool, now: float) -> Changed:
        for name in changed.unsettled:
            if name in self._known and self._settle_pool(name, self._known[name], suspect, now):
                changed.pools.add(name)
        changed.unsettled.clear()
        return changed

    def _settle_pool(self, name: str, known: Known, suspect: bool, now: float) -> bool:
        settled = settle(known.found, known.claims, known.settled, known.pins, known.lacking)
        gone = {n: member for n, member in known.settled.items() if n not in settled.members}
        known.held = hold(known.held, settled.members, gone, suspect, now)
        known.settled = settled.members
        self._complain(name, known, settled.refused)
        members = {**known.held.members, **settled.members}
        if members == known.pool.members:
            return False
        known.pool.members = members
        known.pool.version += 1
        return True

    def held(self, pool: str) -> Mapping[str, Member]:
        """Members of a pool that the registry does not have any more."""
        return self._known[pool].held.members if pool in self._known else {}

    def _complain(self, pool: str, known: Known, refused: dict[str, Why]) -> None:
        before, known.refused = known.refused, refused
        for name, why in refused.items():
            if before.get(name) != why:
                self._refuse(f"members/{pool}/{name}", why[0], f"members/{pool}/{name}: {why[1]}")

    def _remember(self, key: str, reason: str, text: str) -> None:
        if self._bad.get(key) == (reason, text):
            return
        if key in self._bad or len(self._bad) < MOST_REFUSED:
            self._bad[key] = (reason, text)
        self._refuse(key, reason, text)


def _reason(key: str, value: bytes) -> str:
    """For a metric's label: of a closed set."""
    if key.split("/", 1)[0] not in KINDS:
        return "unknown_kind"
    return "too_long" if len(value) > MAX_VALUE else "malformed"
