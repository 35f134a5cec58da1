"""What changes in the registry, and what the proxies have to be when it has: pure, and the same again from one seed.

A lane changes pools of its own, one transaction after the other, so that lanes never meet and their end is known.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from _propagation.plan import BEYOND, PORT, Plan, name
from trimtab.daemons.haproxy.dumps import ServerState
from trimtab.daemons.haproxy.once import STAGE
from trimtab.registry.base import Write
from trimtab.registry.codec import encode
from trimtab.registry.record import MAX_WEIGHT, Claim, Member, Override, Record, key_of

LANES = 4
STAY = 3  # members of a pool that never leave
KINDS = ("weight", "hand", "leave", "join")
SHARES = (40, 20, 20, 20)
SHOWN = 5


class Want(NamedTuple):
    address: str
    weight: int


Wanted = Mapping[str, Mapping[int, Want]]  # pool → number


def member(plan: Plan, pool: int, number: int, weight: int = 100) -> Member:
    address = plan.address(pool, number)
    return Member(name(pool), f"e{number}", address, PORT, number, weight)


def registration(each: Member) -> Write:
    """As `trimtab register` writes it: the member and the claim of its number, if nobody else has that."""
    claim = Claim(each.pool, each.id, each.name)
    return Write(put=_encoded(each, claim), absent=(key_of(claim),))


def removal(each: Member) -> Write:
    claim = Claim(each.pool, each.id, each.name)
    return Write(delete=(key_of(each), key_of(claim)))


def seeds(plan: Plan) -> Iterator[Write]:
    """The registrations of everybody, several in one transaction."""
    every = [
        member(plan, pool, number)
        for pool in range(plan.pools)
        for number in range(1, plan.members + 1)
    ]  # fmt: skip
    for begin in range(0, len(every), plan.together):
        puts: dict[str, bytes] = {}
        for each in every[begin : begin + plan.together]:
            puts |= registration(each).put
        yield Write(put=puts)


def lanes(plan: Plan) -> int:
    return min(LANES, plan.pools)


class Lane:
    """One of `lanes`. It begins with the members that `seeds` registers."""

    def __init__(self, plan: Plan, lane: int, seed: int = 1) -> None:
        self._plan, self._random = plan, random.Random(f"{seed}/{lane}")
        self._pools = range(lane, plan.pools, lanes(plan))
        numbers = range(1, plan.members + 1)
        self.members = {
            (pool, number): member(plan, pool, number) for pool in self._pools for number in numbers
        }
        self.overrides: dict[tuple[int, int], Override] = {}

    @staticmethod
    def all(plan: Plan, seed: int = 1) -> list[Lane]:
        return [Lane(plan, number, seed) for number in range(lanes(plan))]

    def batch(self, size: int) -> Write:
        """The next changes as one transaction."""
        changes: dict[str, bytes | None] = {}
        for _ in range(size):
            changes |= self.change()
        put = {key: value for key, value in changes.items() if value is not None}
        return Write(put=put, delete=tuple(key for key, value in changes.items() if value is None))

    def change(self) -> dict[str, bytes | None]:
        """The next one: keys and their new values, None for what goes."""
        pool = self._random.choice(self._pools)
        kind = self._random.choices(KINDS, SHARES)[0]
        here = [number for number in self._numbers() if (pool, number) in self.members]
        away = [number for number in self._numbers() if (pool, number) not in self.members]
        if kind == "leave" and len(here) > STAY:
            return self._leave(pool, self._random.choice(here[STAY:]))
        if kind == "join" and away:
            return self._join(pool, self._random.choice(away))
        if kind == "hand":
            return self._hand(pool, self._random.choice(here))
        return self._weigh(pool, self._random.choice(here))

    def _numbers(self) -> range:
        """Some above the slots: they come and go as dynamic servers."""
        return range(1, self._plan.slots + BEYOND + 1)

    def _weigh(self, pool: int, number: int) -> dict[str, bytes | None]:
        each = member(self._plan, pool, number, self._random.randint(1, MAX_WEIGHT))
        self.members[pool, number] = each
        return {key_of(each): encode(each)}

    def _hand(self, pool: int, number: int) -> dict[str, bytes | None]:
        override = Override(name(pool), f"e{number}", weight=self._random.randint(1, MAX_WEIGHT), by="bench")
        self.overrides[pool, number] = override
        return {key_of(override): encode(override)}

    def _leave(self, pool: int, number: int) -> dict[str, bytes | None]:
        gone = [*removal(self.members.pop((pool, number))).delete]
        if override := self.overrides.pop((pool, number), None):
            gone.append(key_of(override))
        return dict.fromkeys(gone)

    def _join(self, pool: int, number: int) -> dict[str, bytes | None]:
        each = member(self._plan, pool, number)
        self.members[pool, number] = each
        return {**registration(each).put}

    def records(self) -> dict[str, bytes]:
        """What the registry has of this lane's pools."""
        claims = [Claim(each.pool, each.id, each.name) for each in self.members.values()]
        return _encoded(*self.members.values(), *claims, *self.overrides.values())


def wanted(made: Iterable[Lane]) -> Wanted:
    """What both proxies should have when these lanes are where they are; unchanged ones are what `seeds` registers."""
    found: dict[str, dict[int, Want]] = {}
    for lane in made:
        for (pool, number), each in lane.members.items():
            override = lane.overrides.get((pool, number))
            weight = each.weight if override is None or override.weight is None else override.weight
            found.setdefault(each.pool, {})[number] = Want(f"{each.address}:{each.port}", weight)
    return found


def differences(rows: Sequence[ServerState], want: Wanted) -> list[str]:
    """Of `show servers state`: the first few places in which a proxy is not as the registry has it. Each pool has three
    backends with the same servers, the second stage is no member's; a server that nobody registers for has to be in maintenance.
    """
    found = [text for row in rows if row.backend != STAGE and (text := _difference(row, want))]
    there = {(row.backend, row.id) for row in rows}
    for pool, members in want.items():
        for backend in (pool, f"{pool}--patient", f"{pool}--panic"):
            found += [
                f"{backend}/{number} is missing" for number in members if (backend, number) not in there
            ]
    return found[:SHOWN]


def _difference(row: ServerState, want: Wanted) -> str:
    expected = want.get(row.backend.removesuffix("--panic").removesuffix("--patient"), {}).get(row.id)
    if expected is None:
        return "" if row.maint else f"{row.backend}/{row.id} serves and is not registered"
    have = (f"{row.address}:{row.port}", row.weight)
    if have == expected and row.ready:
        return ""
    return f"{row.backend}/{row.id} is {have}, ready {row.ready}; {tuple(expected)} is wanted"


def _encoded(*records: Record) -> dict[str, bytes]:
    return {key_of(each): encode(each) for each in records}
