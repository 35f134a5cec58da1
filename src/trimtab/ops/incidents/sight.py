"""The estate's store at one revision, as an observer has it: what is seen of each site, for `decide`.

What cannot be read was never said. Only a step under way counts though nobody can read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from trimtab.ops.arbiter.fields import NUMBER
from trimtab.ops.arbiter.ledger import Decision
from trimtab.ops.arbiter.world import OF_MEMBERS
from trimtab.ops.drain.standing import decisions_in, decoded
from trimtab.ops.health.reading import state_of
from trimtab.ops.health.record import FRESH_S
from trimtab.ops.health.record import decode as decode_view
from trimtab.ops.health.verdict import SiteVerdict, View, judge, judge_all
from trimtab.ops.incidents.decide import Sighting, Steer
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.steering.wish import Committed, Done
from trimtab.registry.fields import BadRecord

# Of keys that are read here.
KINDS = ("view/", "decision/", "steer/", "doing/", "done/", "incident/", "open/")
RECENT_S = 90.0  # as long as a drain takes at most, and observers to see the end of it


class Views:
    """Every view that can be read. An estate may have hundreds, long ones, and few change from one look to the next: what
    did not change is not read again.
    """

    def __init__(self) -> None:
        self._read: dict[str, tuple[bytes, View | None]] = {}

    def of(self, records: Mapping[str, bytes]) -> list[View]:
        found: dict[str, tuple[bytes, View | None]] = {}
        for key, value in records.items():
            if key.startswith("view/"):
                kept = self._read.get(key)
                found[key] = kept if kept is not None and kept[0] == value else (value, _view(key, value))
        self._read = found
        return [view for _, view in found.values() if view is not None]


def _view(key: str, value: bytes) -> View | None:
    with suppress(BadRecord):
        return decode_view(key, value)
    return None


def vantage_of(views: Iterable[View], sites: Iterable[str]) -> list[str]:
    """The sites that are expected to say something: those that are watched, and whoever else reports."""
    return sorted({view.vantage_site for view in views} | set(sites))


class Sight:
    """sites: all that are watched.  now: seconds since 1970.  vantage: those that are expected to say something, () takes
    what `vantage_of` finds.  quorum: how many of them have to agree, None: more than half.
    """

    def __init__(
        self,
        records: Mapping[str, bytes],
        views: Sequence[View],
        sites: Collection[str],
        now: float,
        vantage: Sequence[str] = (),
        quorum: int | None = None,
    ) -> None:
        self._records, self._views, self._now = records, views, now
        expected = vantage or vantage_of(views, sites)
        self._verdicts = judge_all(sites, views, expected, quorum, now=now, fresh_s=FRESH_S)
        self._everywhere = everywhere(self._verdicts.values())
        self._steers = _steers(records)
        numbers = [key.partition("/")[2] for key in records if key.startswith("decision/")]
        self._newest = max((int(each) for each in numbers if NUMBER.fullmatch(each)), default=0)

    def seen(self, site: str, held: Incident | None) -> Sighting:
        """held: the open incident. Decisions that it has are none of its business."""
        verdict = self._verdicts[site]
        return Sighting(
            verdict,
            self._steers.get(site, Steer()),
            self._decisions(site, held.decision) if held else self._before(verdict),
            self._newest,
            self._everywhere,
            0.0 if held else self._first(site),
            judge(site, self._views, (site,), now=self._now, fresh_s=FRESH_S).state == "serving",
        )

    def _decisions(self, site: str, after: int) -> tuple[Decision, ...]:
        """About the site and its proxies, oldest first: which members a deployment replaces is no part of an incident."""
        rows = decisions_in(self._records, after)
        return tuple(r for r in rows if r.request.site == site and r.request.kind not in OF_MEMBERS)

    def _before(self, verdict: SiteVerdict) -> tuple[Decision, ...]:
        """What was asked just before may be why a site does not serve."""
        if verdict.state not in ("unhealthy", "unreachable"):
            return ()
        return tuple(row for row in self._recent if row.request.site == verdict.site)

    @cached_property
    def _recent(self) -> tuple[Decision, ...]:
        """Read once, however many sites are gone."""
        rows = decisions_in(self._records)
        return tuple(
            r for r in rows if abs(self._now - r.at) <= RECENT_S and r.request.kind not in OF_MEMBERS
        )

    def _first(self, site: str) -> float:
        """When the first of those who say that it does not serve had come to that; 0: nobody says so."""
        readings = [
            view.readings[site]
            for view in self._views
            if site in view.readings and abs(self._now - view.at) <= FRESH_S
        ]
        return min(
            (each.since for each in readings if state_of(each) in ("unhealthy", "unreachable")), default=0.0
        )


def everywhere(verdicts: Iterable[SiteVerdict]) -> bool:
    """A quorum finds that no site serves. Of an estate of one site that says nothing about the observers."""
    words = [verdict.state for verdict in verdicts]
    return len(words) > 1 and all(each in ("unhealthy", "unreachable") for each in words)


def _steers(records: Mapping[str, bytes]) -> dict[str, Steer]:
    committed: dict[str, Committed] = {}
    done: dict[str, list[Done]] = {}
    under_way = {key.partition("/")[2] for key in records if key.startswith("doing/")}
    for key, value in records.items():
        if key.startswith(("steer/", "done/")):
            with suppress(BadRecord):
                found = decoded(key, value)
                if isinstance(found, Committed):
                    committed[found.site] = found
                elif isinstance(found, Done):
                    done.setdefault(found.site, []).append(found)
    return {
        site: Steer(committed.get(site), site in under_way, tuple(done.get(site, ())))
        for site in {*committed, *done, *under_way}
    }
