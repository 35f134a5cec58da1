"""Did the drill measure anything? If the load was thin, starved or failing before the fault, nothing is
known."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.drills.history import PHASES, History
from trimtab.drills.verdict import Claims, Verdict

ENOUGH_SHARE = 0.9
OK_BEFORE = 0.999
LATE_SECONDS = 0.1
LATE_SHARE = 0.02


class LoadRan:
    """true.

    Enough requests in every phase and region, on time, and at least 99.9 % of them fine before the fault.
    """

    name = "load"

    def check(self, history: History, claims: Claims) -> Verdict:
        reasons = (*history.gaps, *_thin(history), *_starved(history), *_ill_before(history))
        late = max((row.late for rows in history.reads.values() for row in rows), default=0.0)
        figures = {"late_max_s": round(late, 4), "requests": sum(map(len, history.reads.values()))}
        return Verdict(self.name, "unknown" if reasons else "true", reasons, figures)


def _thin(history: History) -> Iterator[str]:
    if not history.reads:
        yield "no region sent any request"
    for region in history.reads:
        for phase in PHASES:
            since, until = history.events.phase(phase)
            wanted = int(history.expected.reads * (until - since) * ENOUGH_SHARE) - 1
            sent = len(history.reads_in(region, since, until))
            if sent < wanted:
                yield f"{region} sent {sent} requests {phase} the fault, at least {wanted} were due"


def _starved(history: History) -> Iterator[str]:
    for region, rows in history.reads.items():
        late = sum(row.late > LATE_SECONDS for row in rows)
        if late > LATE_SHARE * len(rows):
            yield (
                f"{region}'s client was starved of CPU: {late} of {len(rows)} requests left more than "
                f"{LATE_SECONDS * 1000:.0f} ms late; run it on a quieter machine"
            )


def _ill_before(history: History) -> Iterator[str]:
    before = [row for region in history.reads for row in history.reads_of(region, "before")]
    failed = [row for row in before if not row.ok]
    if len(failed) > (1 - OK_BEFORE) * len(before):
        yield f"{len(failed)} of {len(before)} requests failed before the fault, first: {failed[0].error}"
