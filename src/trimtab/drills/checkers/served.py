"""A site without members goes on to answer its clients, by another site's, or its clients come to another site: who answered
stands in each answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from trimtab.drills.history import History
from trimtab.drills.verdict import Claims, Verdict

GRACE_SECONDS = 1.0
LAST_SECONDS = 2.0


class ServedElsewhere:
    """elsewhere: from the promise for reads on, members of other sites answer the clients of the site, until the repair. A watch
    that ends sooner is judged by its last seconds, and what it did not see there is unknown.  moved: they do in the last seconds
    before the repair, however long it took.

    It tells who answered and not which way the request took: that the addresses and routes stay are claims of their own.
    """

    name = "served"

    def check(self, history: History, claims: Claims) -> Verdict:
        regions = [region for region in history.reads if history.served_by(region) == history.site]
        if not regions:
            return Verdict(
                self.name, "unknown", (f"no region was served by {history.site} before the fault",)
            )
        promise = GRACE_SECONDS if claims.reads_s is None else claims.reads_s
        until = history.events.phase("during")[1]
        last = max(history.events.fault, until - LAST_SECONDS)
        due = last if claims.conduct[self.name] == "moved" else history.events.fault + promise
        since = min(due, last)
        found = {region: _answers(history, region, since, until) for region in regions}
        reasons = tuple(_reasons(found, history.site))
        if reasons and since < due:
            early = f"the watch ended {until - history.events.fault:.3g} s after the fault, within the promise of {promise:g} s"
            return Verdict(self.name, "unknown", (*reasons, early), {"answers": found})
        return Verdict(self.name, "false" if reasons else "true", reasons, {"answers": found})


def _answers(history: History, region: str, since: float, until: float) -> dict[str, int]:
    """How many reads each site answered, of those that were sent and answered in [since, until)."""
    rows = history.reads_in(region, since, until)
    return dict(Counter(row.site for row in rows if row.ok and row.site and row.start + row.latency < until))


def _reasons(found: Mapping[str, Mapping[str, int]], site: str) -> Iterator[str]:
    for region, answers in found.items():
        if answers.get(site):
            yield f"{region}: {answers[site]} reads were answered by members of {site}, which should be gone"
        if not set(answers) - {site}:
            yield f"{region}: no read was answered by another site's members"
