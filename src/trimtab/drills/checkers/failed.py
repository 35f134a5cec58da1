"""What nobody may notice: how many requests failed at their first attempt, the client's own retry not counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from trimtab.drills.history import History
from trimtab.drills.load.record import Row
from trimtab.drills.measure import episodes
from trimtab.drills.verdict import Claims, Verdict

Failures = Mapping[str, list[Row]]


class FailsAtMost:
    """true: in all regions together no more reads failed between the fault and its repair than claimed.

    What was under way when the fault came counts: it is the first to be cut off.
    """

    name = "failed"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.failed is not None
        since, until = history.events.phase("during")
        found = _failures(history, since, until, arriving=True, leaving=history.events.restore is None)
        return _judge(self.name, found, claims.failed)


class FailsLaterAtMost:
    """true: no more reads failed than claimed of those that were sent before the repair, and after the news of the fault
    could be with their clients: a round trip to the site later.

    For what ends the connections that it moves, as anycast does. News of a route takes half a round trip, and until it is
    there a request meets the site that the old way leads to now, and the next packet perhaps another one.
    """

    name = "failed_later"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.failed_later is not None
        since, until = history.events.phase("during")
        failed = _failures(history, since, until, arriving=False, leaving=history.events.restore is None)
        told = {region: since + history.away_s.get(region, 0.0) for region in failed}
        later = {
            region: [row for row in rows if row.start >= told[region]] for region, rows in failed.items()
        }
        return _judge(self.name, later, claims.failed_later)


class FailsRetriedAtMost:
    """true: from the fault to the end no more reads failed than claimed that their client had tried a second time.

    For what moves an address on purpose: connections to it end, and whoever asks again is served.
    """

    name = "failed_retried"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.failed_retried is not None
        since = history.events.phase("during")[0]
        found = _failures(history, since, history.events.end, arriving=True, leaving=True)
        lost = {region: [row for row in rows if not row.ok_after_retry] for region, rows in found.items()}
        return _judge(self.name, lost, claims.failed_retried)


class FailsKeptAtMost:
    """true: in all regions together no more reads failed between the fault and its repair than claimed of those that were
    sent on a connection which stood already. unknown: there was none.
    """

    name = "failed_kept"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.failed_kept is not None
        since, until = history.events.phase("during")
        sent = sum(
            row.kind == "kept" and since <= row.start < until
            for rows in history.reads.values()
            for row in rows
        )
        if not sent:
            return Verdict(self.name, "unknown", ("no request was sent on a kept connection",))
        found = _failures(history, since, until, arriving=True, leaving=history.events.restore is None)
        kept = {region: [row for row in rows if row.kind == "kept"] for region, rows in found.items()}
        return _judge(self.name, kept, claims.failed_kept)


class ReturnsUnnoticed:
    """unnoticed: no read failed from the repair to the end."""

    name = "returns"

    def check(self, history: History, claims: Claims) -> Verdict:
        since, until = history.events.phase("recovery")[0], history.events.end
        return _judge(self.name, _failures(history, since, until, arriving=True, leaving=True), 0)


def _failures(history: History, since: float, until: float, *, arriving: bool, leaving: bool) -> Failures:
    """Reads by region that failed; arriving, leaving: with those under way at the borders, see `episodes`."""
    return {
        region: [
            row
            for one in episodes(rows, since, until, arriving=arriving, leaving=leaving)
            for row in one.reads
        ]
        for region, rows in history.reads.items()
    }


def _judge(name: str, found: Failures, limit: int) -> Verdict:
    total = sum(map(len, found.values()))
    figures = {"failed": total}
    if total <= limit:
        return Verdict(name, "true", (), figures)
    return Verdict(name, "false", (*_reasons(found), f"at most {limit} were claimed"), figures)


def _reasons(found: Failures) -> Iterator[str]:
    for region, rows in found.items():
        if rows:
            kinds = Counter(row.error for row in rows).most_common(3)
            yield f"{region}: {len(rows)} requests failed: {', '.join(f'{n} x {error}' for error, n in kinds)}"
