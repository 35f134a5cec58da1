"""An election with its split votes: how likely it is to last how long.

Each survivor waits one to two election time-outs from its last heartbeat on, asks for pre-votes, then for votes. Who has
asked for votes before the first one's request reaches it has voted for itself. Where that leaves the first one no majority
the vote is split: nobody leads, and all wait anew.

Sources: Ongaro 2014, 3.4 and 9.6; etcd 3.4 and 3.5, raft package: a time-out is drawn anew in each term and counted in
heartbeats (`tickElection`, `reset`), a pre-vote is given to anybody, a vote once a term (`Step`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, zip_longest

from trimtab.timing.interval import Interval
from trimtab.timing.spread import Spread, mixed, plus, spread_by_cells, worst_of_spreads

# Cells of the grid in a heartbeat.
CELLS = 4
# More than so many who ask beside the first one are taken for a split vote; of many survivors, fewer: there are many pairs.
MOST_RIVALS, MANY = 2, 6
# Where a further split vote is less likely than that, it is left out: the election does not end.
UNLIKELY = 1e-5
MOST_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Contest:
    """A leader is lost, and two survivors or more elect another one.

    heartbeat: seconds.  ticks: an election time-out in heartbeats.  quorum: votes that are needed, one's own too.
    leader: seconds one way from the lost leader to each survivor.  ways: the same between survivors, by index; above 0.
    """

    heartbeat: float
    ticks: int
    quorum: int
    leader: tuple[float, ...]
    ways: tuple[tuple[float, ...], ...]

    def others(self, one: int) -> list[int]:
        return [index for index in range(len(self.ways)) if index != one]

    def answered(self, one: int) -> float:
        """Seconds until a majority has answered this survivor: the round trip to the farthest of the nearest."""
        return 2 * sorted(self.ways[one][other] for other in self.others(one))[self.quorum - 2]

    def first_write(self, one: int) -> Interval:
        """Seconds until a write is stored that comes to this leader at once, or over the farthest other survivor."""
        stored = self.answered(one)
        return Interval(stored, stored + 2 * max(self.ways[one][other] for other in self.others(one)))


@dataclass(frozen=True, slots=True)
class Asks:
    """A survivor is the first one who asks for votes. at: seconds after all began to wait.

    wins, split: the chances that it is so, and a majority is for it, or is not.
    """

    who: int
    at: float
    wins: float
    split: float


@lru_cache(maxsize=64)
def lasts_at_worst(contests: tuple[Contest, ...]) -> Spread:
    """Whichever of these it is."""
    return worst_of_spreads([lasts(contest) for contest in contests], contests[0].heartbeat / CELLS)


@lru_cache(maxsize=256)
def lasts(contest: Contest) -> Spread:
    """From the leader's loss to the first write."""
    step = contest.heartbeat / CELLS
    first, later = (_round(contest, asks, step) for asks in (_first(contest, step), _later(contest)))
    begun = _moved([1.0], first.split)
    again = begun
    for _ in range(MOST_ROUNDS):
        if math.fsum(again) < UNLIKELY:
            break
        again = _moved(again, later.split)
        begun = _sum(begun, again)
    won = {
        leads: _sum(_moved([1.0], first.wins[leads]), _moved(begun, later.wins[leads]))
        for leads in first.wins
    }
    return mixed([_led(contest, leads, chances, step) for leads, chances in won.items()], step)


def _led(contest: Contest, leads: Leads, won: list[float], step: float) -> Spread:
    """From when it asks for votes to the first write. The last heartbeat came up to one before the leader was lost."""
    answered, first_write = leads
    led = plus(spread_by_cells(0.0, step, won), Interval(-contest.heartbeat, 0.0), step)
    return plus(led.later(answered), first_write, step)


# Seconds until it has its votes, then until the first write; and by how many cells something is later, with which chance.
Leads = tuple[float, Interval]
Moves = dict[int, float]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of an election. wins: when whoever wins asks for votes.  split: when all begin to wait anew."""

    wins: dict[Leads, Moves]
    split: Moves


def _round(contest: Contest, asks: Iterator[Asks], step: float) -> Round:
    wins: dict[Leads, Moves] = {}
    split: Moves = {}
    for ask in _scaled(list(asks)):
        own = wins.setdefault((contest.answered(ask.who), contest.first_write(ask.who)), {})
        cell = round(ask.at / step)
        own[cell] = own.get(cell, 0.0) + ask.wins
        # who asked beside the first one did so up to a way later, and waits from then on
        cell = round((ask.at + max(contest.ways[ask.who]) / 2) / step)
        split[cell] = split.get(cell, 0.0) + ask.split
    return Round(wins, split)


def _moved(begun: list[float], moves: Moves) -> list[float]:
    """What begins at each cell goes on so many cells later, with that chance."""
    found = [0.0] * (len(begun) + max(moves, default=0))
    skipped = next((k for k, chance in enumerate(begun) if chance), 0)
    chances = begun[skipped:]
    for move, weight in moves.items():
        at = slice(move + skipped, move + len(begun))
        found[at] = [was + weight * chance for was, chance in zip(found[at], chances, strict=True)]
    return found


def _sum(one: list[float], other: list[float]) -> list[float]:
    return [a + b for a, b in zip_longest(one, other, fillvalue=0.0)]


def _scaled(asks: list[Asks]) -> list[Asks]:
    """With chances that make 1: somebody always is the first."""
    whole = math.fsum(ask.wins + ask.split for ask in asks)
    return [Asks(ask.who, ask.at, ask.wins / whole, ask.split / whole) for ask in asks]


def _first(contest: Contest, step: float) -> Iterator[Asks]:
    asked = [_asked(contest, one, step) for one in range(len(contest.ways))]
    for one, own in enumerate(asked):
        others, supported = contest.others(one), _supported(contest, one)
        for cell, (low, high) in enumerate(pairwise(own.over)):
            at = own.start + (cell + 0.5) * step
            before = [asked[other].by(at) for other in others]
            told = [asked[other].by(at + contest.ways[one][other]) for other in others]
            yield _asks(one, at, high - low, before, told, supported)


def _asked(contest: Contest, one: int, step: float) -> Spread:
    """When a survivor asks for votes. Each counts its own heartbeats, so its time-out ends at any moment of the last of them.

    In the first heartbeat in which it may end, others may have counted one less than a time-out: their old leader's lease
    holds, and they do not hear. Who is not heard so asks again after a whole time-out.
    """
    beats, cells = contest.ticks - 1, contest.ticks * CELLS
    found = [1 / cells] * cells + [0.0] * CELLS
    for cell in range(CELLS):
        found[cell] *= _heard(contest, one, (cell + 0.5) * step)
        found[cell + cells] = 1 / cells - found[cell]
    begins = contest.leader[one] + beats * contest.heartbeat + contest.answered(one)
    return spread_by_cells(begins + step / 2, step, found)


def _heard(contest: Contest, one: int, into: float) -> float:
    """The chance that the nearest majority has counted a whole time-out. into: seconds into that heartbeat."""
    near = sorted(contest.others(one), key=lambda other: contest.ways[one][other])[: contest.quorum - 1]
    later = [contest.ways[one][other] + contest.leader[one] - contest.leader[other] for other in near]
    return math.prod(min(1.0, max(0.0, (into + way) / contest.heartbeat)) for way in later)


def _later(contest: Contest) -> Iterator[Asks]:
    """After a split vote: who asked within a way of each other count the same heartbeats within a way of each other."""
    ticks, beat = contest.ticks, contest.heartbeat
    waits = [_to_the_beat(contest.answered(one), beat) for one in range(len(contest.ways))]

    def asked(one: int, other: int, moment: float) -> float:
        """By then, counted from the moment at which this one asks in the heartbeat 0."""
        way = contest.ways[one][other]
        apart = [moment + waits[one] - waits[other] - n * beat for n in range(ticks, 2 * ticks)]
        return math.fsum(min(1.0, max(0.0, (x + way) / (2 * way))) for x in apart) / ticks

    for one in range(len(contest.ways)):
        others, supported = contest.others(one), _supported(contest, one)
        for n in range(ticks, 2 * ticks):
            before = [asked(one, other, n * beat) for other in others]
            told = [asked(one, other, n * beat + contest.ways[one][other]) for other in others]
            yield _asks(one, n * beat + waits[one], 1 / ticks, before, told, supported)


def _to_the_beat(answered: float, beat: float) -> float:
    """Seconds from asking for votes, between two heartbeats, to asking again, less the whole time-out."""
    return math.ceil(answered / beat - 1e-9) * beat - beat


def _asks(
    one: int,
    at: float,
    chance: float,
    before: list[float],
    told: list[float],
    supported: Sequence[tuple[int, ...]],
) -> Asks:
    """before: the chance of each other that it has asked already.  told: that it has when the request reaches it."""
    rivals, followers = [b - a for a, b in zip(before, told, strict=True)], [1 - b for b in told]
    wins = math.fsum(
        math.prod(rivals[k] if k in beside else followers[k] for k in range(len(told)))
        for beside in supported
    )
    first = math.prod(1 - a for a in before)
    return Asks(one, at, chance * wins, chance * max(0.0, first - wins))


def _supported(contest: Contest, one: int) -> list[tuple[int, ...]]:
    """Beside which others, by their place among them, the first one surely gets a majority: it asked before them, and enough
    of those who did not ask are not nearer to any of them.
    """
    others, ways = contest.others(one), contest.ways
    found = []
    for count in range(min(MOST_RIVALS if len(ways) <= MANY else 1, len(others)) + 1):
        for beside in combinations(range(len(others)), count):
            rivals = [others[k] for k in beside]
            voters = [other for other in others if other not in rivals]
            votes = 1 + sum(all(ways[one][v] <= ways[rival][v] for rival in rivals) for v in voters)
            if votes >= contest.quorum:
                found.append(beside)
    return found
