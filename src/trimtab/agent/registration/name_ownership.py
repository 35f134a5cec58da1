"""Whose a name in a pool is: a member that is alive by its own word belongs to who registered it. Another one waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from trimtab.agent.registration.plan import Place, Records, holder, place_of
from trimtab.errors import Conflict, Refused
from trimtab.registry.base import Write, Writer
from trimtab.registry.record import Alive, Member, key_of

REASON = "name_taken"
# So long a name has to be free that was seen taken: its owner comes back to a wiped registry within its longest pause of
# 5 s and its lease of 10 s, and is not to find somebody else in its place.
FREE_S = 15.0
Refuse = Callable[[str, str, str], None]  # POOL/NAME, reason, why


@dataclass(frozen=True, slots=True)
class NameTaken:
    """seen: the record that says so, empty since it is `free` (seconds of the loop's time)."""

    place: Place  # for which it was wanted
    why: str
    seen: Records
    free: float | None = None


class Names:
    """By POOL/NAME. Raises Refused for a name that is another's."""

    def __init__(self, registry: Writer, refuse: Refuse) -> None:
        self._registry, self._refuse = registry, refuse
        self._places: dict[str, set[Place]] = {}  # where we put it, or may have
        self._spoken: dict[str, int] = {}  # the lease under which we said last that it is alive
        self._taken: dict[str, NameTaken] = {}

    def taken(self) -> Mapping[str, str]:
        """POOL/NAME → why."""
        return {key: each.why for key, each in self._taken.items()}

    def places(self, key: str) -> Collection[Place]:
        return self._places.get(key, ())

    def putting(self, key: str, member: Member) -> None:
        """Said before the write: its result may stay unknown."""
        self._places.setdefault(key, set()).add(place_of(member))

    def put(self, key: str, lease: int) -> None:
        self._spoken[key] = lease
        self._taken.pop(key, None)

    def keep_only(self, keys: Collection[str]) -> None:
        for key in {*self._places, *self._spoken, *self._taken}.difference(keys):
            self.forget(key)

    def forget(self, key: str) -> None:
        """It is ours no more."""
        self._places.pop(key, None)
        self._spoken.pop(key, None)
        self._taken.pop(key, None)

    async def ask(self, key: str, wanted: Member) -> None:
        """In one small transaction, whether what said that it is taken still stands: it is asked for again and again."""
        known = self._taken.get(key)
        if known is None or not known.seen or known.place != place_of(wanted):
            return
        try:
            await self._registry.write(Write(equal=known.seen))
        except Conflict:
            return
        raise _refused(known.why)

    def judge(self, key: str, records: Records, wanted: Member, last: Member | None, lease: int) -> None:
        """last: what we know to have registered."""
        other, now = holder(records, wanted), asyncio.get_running_loop().time()
        if other is not None and not self._ours(key, other, last, lease):
            why = (
                f"{key} is {other.address}:{other.port}, which is alive, so {wanted.address}:{wanted.port} is refused: "
                "give another `name`, or end that one; this one takes its place when it is gone"
            )
            alive = key_of(Alive(other.pool, other.name))
            self._say(key, NameTaken(place_of(wanted), why, {alive: records[alive]}))
        elif (known := self._taken.get(key)) is None or known.place != place_of(wanted):
            self._taken.pop(key, None)
        elif known.free is None or now < known.free + FREE_S:
            self._say(key, NameTaken(known.place, known.why, {}, now if known.free is None else known.free))

    def _ours(self, key: str, other: Member, last: Member | None, lease: int) -> bool:
        """Where we were, or alive by nobody's word but ours (then somebody wrote the member alone, an operator perhaps)."""
        known = {*self.places(key), *([place_of(last)] if last else [])}
        return place_of(other) in known or self._spoken.get(key) == lease

    def _say(self, key: str, taken: NameTaken) -> None:
        before, self._taken[key] = self._taken.get(key), taken
        if before is None or before.why != taken.why:
            self._refuse(key, REASON, taken.why)
        raise _refused(taken.why)


def _refused(why: str) -> Refused:
    return Refused(f"{REASON}: {why}")
