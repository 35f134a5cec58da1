"""What is known of the ROAs for the estate's prefixes, source by source: the file, and validators where they were asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trimtab.checks.announced import Announcement, announcements
from trimtab.estate.base import IPNetwork
from trimtab.estate.fault import Loc
from trimtab.estate.inventory import Inventory
from trimtab.estate.roa import Roas, Vrp, permits

OLDEST_S = 86_400.0  # a validator works anew every ten minutes to an hour


@dataclass(frozen=True, slots=True)
class RoaSource:
    """name: for people.  loc: where it is written.  roas: None where nothing could be learnt, then fault and hint say why.
    age_s: seconds since it was made, None where nothing says so.
    """

    name: str
    loc: Loc
    roas: Roas | None
    age_s: float | None = None
    fault: str = ""
    hint: str = ""


RoaReader = Callable[[Inventory], tuple[RoaSource, ...]]


def no_roas(_: Inventory) -> tuple[RoaSource, ...]:
    """Reads none: what ROAs there are is unknown."""
    return ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One prefix and one AS of ours that announces it, as a source has it. own: payloads of that AS that cover the prefix.
    others: of other ASes.
    """

    source: RoaSource
    announced: Announcement
    origin: int
    own: tuple[Vrp, ...]
    others: tuple[Vrp, ...]

    @property
    def valid(self) -> bool:
        return any(permits(vrp, self.announced.prefix, self.origin) for vrp in self.own)


def judged(inventory: Inventory, sources: tuple[RoaSource, ...]) -> Iterator[Judged]:
    """Every announcement by every source that knows anything."""
    for source in sources:
        if source.roas is None or not source.roas.total:
            continue
        for announced in announcements(inventory):
            covering = source.roas.covering(announced.prefix)
            for origin in sorted(announced.origins):
                own = tuple(vrp for vrp in covering if vrp.asn == origin)
                yield Judged(source, announced, origin, own, tuple(v for v in covering if v not in own))


def public_prefixes(inventory: Inventory) -> frozenset[IPNetwork]:
    """Everything that the estate announces."""
    return frozenset(each.prefix for each in announcements(inventory))
