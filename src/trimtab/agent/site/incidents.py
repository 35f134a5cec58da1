"""Writes down what happens to sites, in the estate's store. Every observer does; the store takes each thing once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import Conflict, Refused, Terminal, TrimtabError
from trimtab.ops.incidents.decide import decide
from trimtab.ops.incidents.record import held_of, is_later
from trimtab.ops.incidents.sight import KINDS, Sight, Views
from trimtab.ops.incidents.writes import after, write_of
from trimtab.registry.base import Snapshot, Writer

BOOT_S = 60.0  # an estate that comes up has no incident; whoever saw the site serve waits for nothing
# An estate of hundreds of sites takes a while to judge, and to write down when all of them are gone.
PACE = Pace(window=0.05, spacing=2.0, resync=5.0, first=0.5, most=5.0, limit=120.0)


def concerns(keys: Iterable[str]) -> bool:
    """Whether something may have happened, if these keys of the store changed."""
    return any(key.startswith(KINDS) for key in keys)


class IncidentWatch:
    """sites: all that are watched.  heard: the store as it is known now, None while it is away: then nothing is done, and
    what happened meanwhile is written down when it is back, with the time of that.  now: seconds since 1970.  vantage,
    quorum: as for `Sight`.  served: the sites that are known to have served; who begins has seen none, and gives each
    `BOOT_S` before he writes that it does not.
    """

    name = "incidents"

    def __init__(
        self,
        store: Writer,
        sites: Collection[str],
        heard: Callable[[], Snapshot | None],
        now: Callable[[], float] = time.time,
        vantage: Sequence[str] = (),
        quorum: int | None = None,
        served: Collection[str] = (),
    ) -> None:
        self._store, self._sites, self._heard = store, tuple(sites), heard
        self._now, self._vantage, self._quorum, self._views = now, vantage, quorum, Views()
        self._served = set(served)

    def keys(self) -> Collection[str]:
        return self._sites

    async def reconcile(self, keys: frozenset[str]) -> Result:
        """One site after the other: the numbers of new incidents follow each other."""
        if (snapshot := self._heard()) is None:
            return DONE
        now, failures = round(self._now(), 3), dict[str, Exception]()
        views = self._views.of(snapshot.records)
        sight = Sight(snapshot.records, views, self._sites, now, self._vantage, self._quorum)
        for site in sorted(keys & set(self._sites)):
            try:
                snapshot = await self._follow(site, sight, snapshot, now)
            except Conflict:
                continue  # somebody else was first: what he wrote is on its way to us, and marks us
            except TrimtabError as error:
                failures[site] = error
        return Result(failures)

    async def _follow(self, site: str, sight: Sight, snapshot: Snapshot, now: float) -> Snapshot:
        """The store after it."""
        if is_later(snapshot.records, site):
            return snapshot
        held = held_of(snapshot.records, site)
        seen = sight.seen(site, held)
        if seen.verdict.state == "serving":
            self._served.add(site)
        boots = site not in self._served and now - seen.verdict.since < BOOT_S
        found = decide(held, seen, now)
        if found is None or (held is None and boots):
            return snapshot
        try:
            change = write_of(snapshot, found)
        except Refused as error:
            raise Terminal(error.message, error.hint) from error
        await self._store.write(change)
        return after(snapshot, change)
