"""What was cut comes back without a second outage, and serves again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trimtab.drills.checkers.writes import refuses
from trimtab.drills.history import History, Order
from trimtab.drills.load.record import Row
from trimtab.drills.measure import Episode, episodes, write_outage
from trimtab.drills.verdict import Claims, Verdict


class RecoversQuietly:
    """true: from the restoration on nothing failed after the client's retry, and the site serves again.

    And no episode of failing reads exceeds the claim, no gap in writes exceeds theirs. Each address family returns by
    sessions of its own, at its own moment, and a request uses one of them: their episodes are told apart.
    """

    name = "recovery"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.recovery_s is not None
        if history.events.ready is None:
            return Verdict(
                self.name, "false", ("the twin was not ready again within the time of the scenario",)
            )
        since, until = history.events.phase("recovery")[0], history.events.end
        reasons = [
            *_reads(history, claims.recovery_s, since, until),
            *_writes(history, claims, since, until),
            *_serves_again(history),
        ]
        return Verdict(
            self.name, "false" if reasons else "true", tuple(reasons), _figures(history, since, until)
        )


def _figures(history: History, since: float, until: float) -> dict[str, Any]:
    found = [one for rows in history.reads.values() for one in _episodes(rows, since, until)]
    lengths = [one.last_sent - one.first_sent for one in found]
    assert history.events.ready is not None
    return {
        "recovery_outage_s": round(max(lengths, default=0.0), 4),
        "recovery_failed": sum(one.failed for one in found),
        "ready_s": round(history.events.ready - since, 3),
    }


def _episodes(rows: Sequence[Row], since: float, until: float) -> list[Episode]:
    families = sorted({row.family for row in rows})
    return [
        one
        for family in families
        for one in episodes([row for row in rows if row.family == family], since, until, arriving=True)
    ]


def _reads(history: History, limit: float, since: float, until: float) -> Iterator[str]:
    for region, rows in history.reads.items():
        gone = [row for row in history.reads_in(region, since, until) if not row.ok_after_retry]
        if gone:
            yield (
                f"{region}: {len(gone)} requests failed even when tried again as {history.site} came back, "
                f"first {gone[0].start - since:.2f} s on: {gone[0].error}"
            )
        longest = max((one.last_sent - one.first_sent for one in _episodes(rows, since, until)), default=0.0)
        if longest > limit:
            yield f"{region} could not read for {longest:.2f} s as {history.site} came back, limit {limit:g}"


def _writes(history: History, claims: Claims, since: float, until: float) -> Iterator[str]:
    limit = claims.writes_s
    if limit is None:
        return
    for region, orders in history.orders.items():
        if refuses(history, claims, region):
            yield from _writes_again(region, orders, limit, since)
            continue
        found = write_outage(orders, history.events.fault, since, until)
        if found and found.write_outage_s > limit:
            yield (
                f"{region} had no order acknowledged for {found.write_outage_s:.2f} s "
                f"while {history.site} came back, limit {limit:g} s"
            )


def _writes_again(region: str, orders: Sequence[Order], limit: float, since: float) -> Iterator[str]:
    """What had to refuse takes orders again."""
    again = min(
        (o.answered for o in orders if o.outcome == "ok" and o.answered and o.answered > since), default=None
    )
    if again is None or again - since > limit:
        when = "none" if again is None else f"the first {again - since:.2f} s on"
        yield f"{region}: orders acknowledged after the path was mended: {when}, limit {limit:g} s"


def _serves_again(history: History) -> Iterator[str]:
    for region in history.reads:
        served = [
            sum(row.site == history.site for row in history.reads_of(region, phase))
            for phase in ("before", "after")
        ]
        if served[0] and not served[1]:
            yield f"{history.site} answered {served[0]} requests of {region} before, none after its return"
