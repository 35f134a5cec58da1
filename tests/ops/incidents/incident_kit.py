"""What is seen of hk in one line, and observers around one store, each with a mirror of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tests.agent.control_kit import FakeRegistry

from trimtab.agent.site.incidents import IncidentWatch
from trimtab.agent.site.raw_cache import Mirror
from trimtab.ops.arbiter.ledger import Decision, Figures, Said
from trimtab.ops.arbiter.world import Request
from trimtab.ops.health import record
from trimtab.ops.health.reading import Reading
from trimtab.ops.health.verdict import SiteVerdict, View
from trimtab.ops.incidents.decide import Sighting, Steer, decide
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.incidents.record import decode, incident_of, numbers_of
from trimtab.ops.steering.wish import Committed, Done
from trimtab.registry.base import Snapshot

NOW = 1_800_000_000.0
SITES = ("hk", "la", "sg")
WORDS: dict[str, Any] = {
    "+": "serving",
    "i": "unhealthy",
    "d": "unreachable",
    "?": "unknown",
    "*": "unreachable",
}
REASONS = {
    "i": ("la: https 503 since 2027-01-15T08:00:00Z", "sg: https 503 since 2027-01-15T08:00:01Z"),
    "d": ("la: no answer within 1 s since 2027-01-15T08:00:00Z", "sg: no answer within 1 s"),
    "?": ("of 3, 1 say that it serves, 1 that it does not: it takes 2", "sg: no fresh view"),
}
DRAINED = Committed("hk", "withdraw", "ann@ops", "fibre work", NOW + 40, "p1")


def seen(sign: str, **more: Any) -> Sighting:
    """sign: + serves, i unhealthy, d unreachable, ? unknown, * unreachable like all the others."""
    agree = 1 if sign == "?" else 2
    reasons = REASONS.get("d" if sign == "*" else sign, ())
    verdict = SiteVerdict("hk", WORDS[sign], 3, agree, NOW - 1, reasons)
    return Sighting(verdict, **{"first": NOW - 3, "everywhere": sign == "*", **more})


def played(signs: str, every: float = 10.0, held: Incident | None = None) -> Incident | None:
    """The incident after a look at each sign, `every` seconds apart; None after it is closed, or before it is."""
    for place, sign in enumerate(signs):
        found = decide(held, seen(sign), NOW + place * every)
        held = held if found is None else found
    return held


def opened(sign: str = "d", **more: Any) -> Incident:
    found = decide(None, seen(sign, **more), NOW)
    assert found is not None
    return found


def told(incident: Incident | None) -> list[str]:
    """The kinds of its events."""
    return [event.kind for event in incident.events] if incident else []


def row(number: int, granted: bool = True, site: str = "hk", at: float = NOW + 5, **asked: Any) -> Decision:
    said = () if granted else (Said("too-few-sites", "1 of 3 sites would carry, the floor is 2"),)
    request = Request("drain-site", site, site, "ann@ops", "fibre work", **asked)
    return Decision(number, at, request, granted, said, Figures(3, 2, 0.41, 0.62))


def done(step: Any, host: str = "hk-router-1", verified: bool = True, at: float = NOW + 6) -> Done:
    return Done("hk", host, step, 7, verified, at)


def steer(*came_to: Done, committed: Committed | None = None, under_way: bool = False) -> Steer:
    return Steer(committed, under_way, came_to)


# ---- a store, and who writes there


def view(vantage: str, words: str, at: float) -> View:
    """words: a sign for each of SITES, as that vantage point sees it."""
    values: Any = {"+": (True, None), "i": (False, True), "d": (False, False), "?": (None, None)}
    readings = {
        site: Reading(
            site, *values[sign], None, NOW, "" if sign == "+" else "no answer within 1 s", ("https", "tcp")
        )
        for site, sign in zip(SITES, words, strict=True)
    }
    return View(vantage, f"{vantage}-registry-1", readings, at)


class Store(FakeRegistry):
    """Says what it has in `incident/…` and `open/…`. clock: seconds since 1970."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = NOW

    def sees(self, *words: str, later: float = 0.0) -> None:
        """What the vantage points say, in the order of SITES, after so many seconds."""
        self.clock += later
        views = [view(site, each, self.clock) for site, each in zip(SITES, words, strict=False)]
        self.has({record.key_of(each): record.encode(each) for each in views})

    def has(self, records: dict[str, bytes]) -> None:
        self._commit(records)

    def incidents(self) -> list[Incident]:
        found = [incident_of(self.records, number) for number in numbers_of(self.records)]
        return [each for each in found if each is not None]

    def open(self) -> dict[str, int]:
        keys = [key for key in self.records if key.startswith("open/")]
        return {key.partition("/")[2]: decode(key, self.records[key]).number for key in keys}


class Observer:
    """One agent's IncidentWatch, which has seen every site serve, and its mirror, which is as old as the last `hears`."""

    def __init__(self, store: Store, away: bool = False, **more: Any) -> None:
        self.store, self.mirror, self.away = store, Mirror(), away
        self.watch = IncidentWatch(
            store, SITES, self._heard, lambda: store.clock, **{"served": SITES, **more}
        )

    def _heard(self) -> Snapshot | None:
        return None if self.away else Snapshot(self.mirror.revision, self.mirror.records)

    async def hears(self) -> None:
        self.mirror.replace(await self.store.read(), 0.0)

    async def acts(self) -> dict[str, Exception]:
        return dict((await self.watch.reconcile(frozenset(self.watch.keys()))).failed)


async def all_of(observers: Iterable[Observer]) -> None:
    """Each reads, and only then each writes: all act on the same."""
    known = list(observers)
    for each in known:
        await each.hears()
    found = await asyncio.gather(*(each.acts() for each in known))
    assert [failed for failed in found if failed] == []
