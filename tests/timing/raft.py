"""Elections of etcd's raft, message by message: what `trimtab.timing.contest` computes, simulated without its short cuts.

Pre-votes and votes, terms, the lease of a lost leader, time-outs drawn anew and counted in each member's own heartbeats, as
in etcd's raft package (`tickElection`, `campaign`, `Step`, `stepCandidate`). Disks and processors take no time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import floor

from trimtab.timing.contest import Contest


@dataclass
class Member:
    """since: when its count of heartbeats began.  phase: where its own heartbeats are in the time of one, 0 to 1."""

    since: float
    phase: float
    timeout: int
    term: int = 0
    vote: int | None = None
    led: bool = True
    asks: str = ""
    fired: int = 0
    answers: dict[int, bool] = field(default_factory=dict)


class Election:
    """One of them, until a member leads."""

    def __init__(self, contest: Contest, draw: random.Random) -> None:
        self.contest, self.draw = contest, draw
        age = draw.random() * contest.heartbeat
        self.members = [Member(way - age, draw.random(), self._timeout()) for way in contest.leader]
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.now, self.count, self.leads = 0.0, 0, -1
        for index in range(len(self.members)):
            self._arm(index)

    def run(self) -> tuple[float, int]:
        """(seconds from the leader's loss to the first write, split votes)."""
        while self.leads < 0:
            self.now, _, happens = heapq.heappop(self.events)
            happens()
        write = self.contest.first_write(self.leads)
        return self.now + self.draw.uniform(write.low, write.high), self.members[self.leads].term - 1

    def _timeout(self) -> int:
        return self.contest.ticks + self.draw.randrange(self.contest.ticks)

    def _at(self, when: float, happens: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, happens))

    def _arm(self, index: int) -> None:
        """Its time-out ends with the heartbeat of that number from now on, unless it counts anew before."""
        one, beat = self.members[index], self.contest.heartbeat
        one.fired += 1
        first = floor(one.since / beat - one.phase) + 1
        self._at((one.phase + first + one.timeout - 1) * beat, partial(self._ends, index, one.fired))

    def _ends(self, index: int, armed: int) -> None:
        if self.members[index].fired == armed:
            self._stand(index)

    def _count_anew(self, index: int, *, drawn: bool) -> None:
        one = self.members[index]
        one.since = self.now
        if drawn:
            one.timeout = self._timeout()
        self._arm(index)

    def _elapsed(self, one: Member) -> int:
        beat = self.contest.heartbeat
        return floor(self.now / beat - one.phase) - floor(one.since / beat - one.phase)

    def _follow(self, index: int, term: int) -> None:
        one = self.members[index]
        if term != one.term:
            one.term, one.vote = term, None
        one.led, one.asks = False, ""
        self._count_anew(index, drawn=True)

    def _send(self, index: int, term: int, what: str) -> None:
        for other, way in enumerate(self.contest.ways[index]):
            if other != index:
                self._at(self.now + way, partial(self._asked, other, index, term, what))

    def _stand(self, index: int) -> None:
        one = self.members[index]
        one.led, one.asks, one.answers = False, "pre-vote", {index: True}
        self._count_anew(index, drawn=False)
        self._send(index, one.term + 1, "pre-vote")

    def _asked(self, index: int, by: int, term: int, what: str) -> None:
        one = self.members[index]
        if term > one.term and one.led and self._elapsed(one) < self.contest.ticks:
            return  # the lease of the leader that it knows has not ended
        if term > one.term and what == "vote":
            self._follow(index, term)
        if term < one.term and what == "vote":
            return
        ahead = what == "pre-vote" and term > one.term
        free = one.vote == by or (one.vote is None and not one.led)
        given = ahead or (free and term >= one.term)
        if given and what == "vote":
            one.vote = by
            self._count_anew(index, drawn=False)
        told = term if given else one.term
        back = self.now + self.contest.ways[index][by]
        self._at(back, partial(self._answered, by, index, told, what, given))

    def _answered(self, index: int, by: int, term: int, what: str, given: bool) -> None:
        one = self.members[index]
        if term > one.term and not given:
            self._follow(index, term)
            return
        if one.asks != what or (given and term != one.term + (what == "pre-vote")):
            return
        one.answers[by] = given
        if sum(one.answers.values()) >= self.contest.quorum:
            self._majority(index, what)
        elif sum(not answer for answer in one.answers.values()) >= self.contest.quorum:
            self._follow(index, one.term)

    def _majority(self, index: int, what: str) -> None:
        one = self.members[index]
        if what == "vote":
            self.leads = index
            return
        one.term, one.vote, one.asks, one.answers = one.term + 1, index, "vote", {index: True}
        self._count_anew(index, drawn=True)
        self._send(index, one.term, "vote")


def elections(contest: Contest, draws: int, seed: int = 1) -> list[tuple[float, int]]:
    """(seconds to the first write, split votes) of so many elections; the same ones for a seed."""
    draw = random.Random(seed)
    return [Election(contest, draw).run() for _ in range(draws)]
