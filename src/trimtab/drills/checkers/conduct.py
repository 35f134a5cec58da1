"""What the estate itself did, as its probes saw it: a right figure for the wrong reason is no pass.

Each checker compares what was seen before, during and after the fault. What a probe could not see is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from trimtab.drills.history import History
from trimtab.drills.verdict import Claims, Value, Verdict

Seen = Mapping[str, Any]
Doubts = list[str]
LOOKS = ("before", "during", "after")


class Conduct:
    """Base: fetches the three looks and turns reasons into a verdict. A subclass says what is wrong."""

    name: ClassVar[str]
    probe: ClassVar[str]

    def check(self, history: History, claims: Claims) -> Verdict:
        looks: dict[str, Seen] = {
            when: history.evidence[when][self.probe]
            for when in LOOKS
            if self.probe in history.evidence.get(when, {})
        }
        if missing := [when for when in LOOKS if when not in looks]:
            return Verdict(self.name, "unknown", (f"nobody looked {', '.join(missing)} the fault",))
        doubts: Doubts = []
        told = history.evidence.get("told", {})
        wanted = claims.conduct[self.name]
        wrongs = tuple(self.wrongs(wanted, looks["before"], looks["during"], looks["after"], told, doubts))
        value: Value = "false" if wrongs else "unknown" if doubts else "true"
        return Verdict(self.name, value, (*wrongs, *doubts), {"wanted": wanted, **looks})

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        raise NotImplementedError


class VipConduct(Conduct):
    """moves: another proxy holds the VIPs; stays: the same one does."""

    name = "vip"
    probe = "vip"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        first, then = before["holder"], during["holder"]
        if first is None:
            doubts.append("which proxy held the VIPs before the fault is not known")
        elif then is None:
            yield f"no single proxy holds the VIPs after the fault: {during['held']}"
        elif (first == then) == (wanted == "moves"):
            yield f"{first} held the VIPs before the fault and {then} after it; they should have {_done(wanted)}"


class RouteConduct(Conduct):
    """leaves: no upstream hears the site's prefixes while the fault lasts, all do afterwards; stays: no route flaps."""

    name = "route"
    probe = "route"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        for prefix, upstreams in before.items():
            for upstream, since in upstreams.items():
                then, at_last = during[prefix][upstream], after[prefix][upstream]
                if not since:
                    doubts.append(f"{upstream} did not hear {prefix} before the fault")
                elif then is None or at_last is None:
                    doubts.append(f"{upstream} gave no answer about {prefix}")
                elif wanted == "leaves" and then:
                    yield f"{upstream} still hears {prefix} from the site"
                elif wanted == "stays" and not same_moment(then, since):
                    yield f"{upstream} heard {prefix} since {since}, now {f'since {then}' if then else 'no more'}"
                elif not at_last:
                    yield f"{upstream} does not hear {prefix} again"
                elif wanted == "stays" and not same_moment(at_last, since):
                    yield f"{upstream} heard {prefix} since {since}, at the end since {at_last}"


class LeakConduct(Conduct):
    """none: what came by a network that buys from nobody is not taken of a peer, and no upstream hears of another one's routes."""

    name = "leak"
    probe = "leak"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        own, leaked, by = told["own"], told["leaked"], told["by"]
        if not during["has"][own]:
            doubts.append(f"{by}'s own {own} was not here: nothing was proved")
        if during["has"][leaked] and during["roles"][by] != "transit":
            yield f"{leaked} was taken, which {by} has from a network that buys from nobody"
        for upstream, first in before["heard"].items():
            then = during["heard"][upstream]
            if first is None or then is None:
                doubts.append(f"{upstream} gave no answer")
            elif more := sorted(set(then) - set(first)):
                yield f"{upstream} heard {', '.join(more)} from the site"
        if after["has"][own] or after["has"][leaked]:
            yield "what was leaked is still here at the end"


DAY_SECONDS = 86400.0
JITTER_SECONDS = (
    0.1  # BIRD keeps a route's age and tells the clock's time from it, each time a little different
)


def same_moment(a: str, b: str) -> bool:
    """Whether two times are the same one: as BIRD tells them `HH:MM:SS.mmm`, a date once they are older, as FRR does seconds
    since 1970, reckoned anew from two clocks at each question, or a version of its table; "" is none.
    """
    if a.isdecimal() and b.isdecimal():
        return abs(int(a) - int(b)) <= 1
    first, second = _seconds(a), _seconds(b)
    if first is None or second is None:
        return bool(a) and a == b
    apart = abs(first - second) % DAY_SECONDS
    return min(apart, DAY_SECONDS - apart) <= JITTER_SECONDS


def _seconds(text: str) -> float | None:
    """Seconds of a day; None for what is no time of day."""
    parts = text.split(":")
    try:
        return sum(float(part) * by for part, by in zip(parts, (3600, 60, 1), strict=True))
    except ValueError:
        return None


class LeaderConduct(Conduct):
    """moves: the store's members agree on another leader."""

    name = "leader"
    probe = "store"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        first, then = before["leader"], during["leader"]
        if first is None:
            doubts.append("who led the store before the fault is not known")
        elif then is None:
            yield f"the store's members agree on no leader: {during['members']}"
        elif first == then:
            yield f"{first} still leads the store"


class WorkersConduct(Conduct):
    """renewed: each reload was taken and none of the old processes serves; kept: it was refused and the old ones do."""

    name = "workers"
    probe = "workers"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        if not told:
            doubts.append("nobody was asked to reload")
        for proxy, answer in told.items():
            if not before.get(proxy) or not during.get(proxy) or not after.get(proxy):
                doubts.append(f"{proxy}'s processes could not be seen: {before}, {during}, {after}")
                continue
            looks = [set(seen[proxy]["serving"]) for seen in (before, during, after)]
            yield from (
                _renewed(proxy, answer, *looks[:2]) if wanted == "renewed" else _kept(proxy, answer, *looks)
            )
            if after[proxy]["failed"]:
                yield f"{proxy}: {after[proxy]['failed']} failed reloads stand at the end"


def _renewed(proxy: str, answer: Seen, before: set[int], during: set[int]) -> Iterator[str]:
    if not answer["taken"]:
        yield f"{proxy}: the reload was refused: {answer['said']}"
    elif not during or before & during:
        yield f"{proxy}: processes {sorted(before & during) or 'none'} of the old generation still serve"


def _kept(proxy: str, answer: Seen, before: set[int], during: set[int], after: set[int]) -> Iterator[str]:
    if answer["taken"]:
        yield f"{proxy}: a reload whose worker could not start was reported as done"
    if before != during:
        yield f"{proxy}: {sorted(before)} served before the refused reload and {sorted(during)} after it"
    if not after or before & after:
        yield f"{proxy}: the reload with the good configuration brought no new process"


class ReplicaConduct(Conduct):
    """catches-up: a member of the store that was behind before the fault has what the leader had then."""

    name = "replica"
    probe = "store"

    def wrongs(
        self, wanted: str, before: Seen, during: Seen, after: Seen, told: Seen, doubts: Doubts
    ) -> Iterator[str]:
        indexes = {host: seen["index"] for host, seen in before["members"].items() if seen}
        leader = before["leader"] or max(indexes, key=lambda host: indexes[host], default="")
        behind = [host for host, index in indexes.items() if indexes[leader] - index >= LAG_ENTRIES]
        if not behind:
            doubts.append(f"no member of the store was behind before the fault: {indexes}")
        for host in behind:
            now = (during["members"].get(host) or {}).get("index", 0)
            if now < indexes[leader]:
                yield f"{host} has entry {now}, the lost leader {leader} had {indexes[leader]}"


LAG_ENTRIES = 10  # fewer lie between two looks at members of a store under load


def _done(wanted: str) -> str:
    return {"moves": "moved", "stays": "stayed"}[wanted]
