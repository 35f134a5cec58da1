"""A site that answers badly is drained by the agents, and brought back, by the same rules as for a person. Pure.

Only `unhealthy`, which is: a quorum finds that it answers, and badly, while its hosts live. A site that is unreachable has lost its
routes by itself, or nobody can reach it, and then to withdraw it changes nothing. What is unknown changes nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from trimtab.ops.arbiter.decide import Answer
from trimtab.ops.arbiter.ledger import Decision
from trimtab.ops.arbiter.world import AUTOMATIC, Request
from trimtab.ops.drain.plan import Way
from trimtab.ops.drain.standing import Standing
from trimtab.ops.health.verdict import SiteVerdict, View

MAX_REASON = 200
# Seconds, and how much longer each time: with the usual budget two changes an hour are left for people.
SHORTEST_S, LONGEST_S, LONGER = 10.0, 3600.0, 4.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """way: `out`, or `back` for what was taken out so."""

    site: str
    way: Way
    reason: str


@dataclass(frozen=True, slots=True)
class Pauses:
    """What came to nothing is left alone for a while, four times as long each time: a site that nobody reaches would be announced
    again and again, and one whose router does not follow would spend the budget. rows: (until, how long), seconds.
    """

    rows: Mapping[tuple[str, Way], tuple[float, float]] = field(default_factory=dict)

    def failed(self, site: str, way: Way, first: float, now: float) -> Pauses:
        _, before = self.rows.get((site, way), (0.0, 0.0))
        long = min(LONGEST_S, max(first, SHORTEST_S, LONGER * before))
        return Pauses({**self.rows, (site, way): (now + long, long)})

    def done(self, site: str, way: Way) -> Pauses:
        return Pauses({key: row for key, row in self.rows.items() if key != (site, way)})

    def still(self, drained: Collection[str], now: float) -> Pauses:
        """Those that are about something: a site that is not drained has no way back, and what is long ago begins anew."""
        return Pauses({
            (site, way): row
            for (site, way), row in self.rows.items()
            if (way == "out" or site in drained) and now - row[0] <= LONGEST_S
        })  # fmt: skip

    def holds(self, site: str, way: Way, now: float) -> bool:
        return now < self.rows.get((site, way), (0.0, 0.0))[0]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. unhealthy: before a site is taken out.  well: before it comes back."""

    unhealthy: float
    well: float


def wanted(
    verdicts: Mapping[str, SiteVerdict],
    standing: Standing,
    patience: Patience,
    now: float,
    own: Mapping[str, SiteVerdict],
    held: Callable[[str, Way], bool] = lambda site, way: False,
) -> Wanted | None:
    """The next one; who comes back first makes room for others. now: seconds since 1970. own: what each site says of
    itself: one that is not announced is reached by nobody else. Others judge before it is announced for good. held: what
    came to nothing a moment ago.
    """
    backs = (_back(own.get(site), standing, patience, now) for site in sorted(standing.committed))
    outs = (_out(verdicts[site], standing, patience, now) for site in sorted(verdicts))
    found = (each for each in (*backs, *outs) if each is not None)
    return next((each for each in found if not held(each.site, each.way)), None)


def _back(verdict: SiteVerdict | None, standing: Standing, patience: Patience, now: float) -> Wanted | None:
    if verdict is None or verdict.state != "serving" or now - verdict.since < patience.well:
        return None
    if standing.committed[verdict.site].by != AUTOMATIC or verdict.site in standing.doing:
        return None
    return Wanted(verdict.site, "back", f"it has been well for {patience.well:g} s")


def _out(verdict: SiteVerdict, standing: Standing, patience: Patience, now: float) -> Wanted | None:
    if verdict.state != "unhealthy" or now - verdict.since < patience.unhealthy:
        return None
    if verdict.site in standing.committed or verdict.site in standing.doing:
        return None
    why = f"unhealthy by {verdict.agree} of {verdict.of} vantage points: {next(iter(verdict.reasons), '')}"
    return Wanted(verdict.site, "out", why.rstrip(": ")[:MAX_REASON])


def is_turn(site: str, host: str, views: Iterable[View], now: float, fresh_s: float) -> bool:
    """Whether it is this host that asks: the first of those who observe from another site and are heard of. No election:
    two that both think so are told apart by the budget.
    """
    heard = [
        (view.vantage_site, view.host)
        for view in views
        if view.vantage_site != site and abs(now - view.at) <= fresh_s
    ]
    return bool(heard) and min(heard)[1] == host


def request_of(wish: Wanted) -> Request:
    return Request("drain-site", wish.site, wish.site, AUTOMATIC, wish.reason, automatic=True)


def was_said(decisions: Iterable[Decision], request: Request, answer: Answer) -> bool:
    """Whether the last decision about this site was the same refusal, by the same rules: a second row would say nothing."""
    about = [
        each for each in decisions if (each.request.kind, each.request.site) == (request.kind, request.site)
    ]
    last = max(about, key=lambda each: each.number, default=None)
    return (
        last is not None
        and not last.granted
        and last.request.automatic
        and [said.rule for said in last.objections] == [each.rule for each in answer.objections]
    )
