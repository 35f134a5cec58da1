"""A site that is cut off from the others serves its readers and refuses to write: it must not acknowledge alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trimtab.drills.history import History, Order
from trimtab.drills.verdict import Claims, Verdict

REFUSAL = "503"
MOST = 0.9
GRACE_SECONDS = 5.0
UNDER_WAY_SECONDS = 1.0


class MinorityRefuses:
    """refuses: once its store has lost the majority, no order of its clients is acknowledged, and each is told 503."""

    name = "minority"

    def check(self, history: History, claims: Claims) -> Verdict:
        regions = [region for region in history.orders if history.served_by(region) == history.site]
        if not regions:
            return Verdict(self.name, "unknown", (f"no region that orders was served by {history.site}",))
        since = history.events.fault + (claims.writes_s or GRACE_SECONDS)
        until = history.events.phase("during")[1] - UNDER_WAY_SECONDS
        orders = [order for name in regions for order in history.orders[name] if since <= order.sent < until]
        if not orders:
            return Verdict(
                self.name,
                "unknown",
                (f"no order was sent later than {since - history.events.fault:g} s after the fault",),
            )
        reasons = tuple(_reasons(orders, history.events.phase("during")[1]))
        refused = sum(REFUSAL in order.told for order in orders)
        return Verdict(
            self.name, "false" if reasons else "true", reasons, {"sent": len(orders), "refused_503": refused}
        )


def _reasons(orders: Sequence[Order], mended: float) -> Iterator[str]:
    alone = [
        order for order in orders if order.outcome == "ok" and order.answered and order.answered < mended
    ]
    if alone:
        yield f"{len(alone)} orders were acknowledged by a minority, first {alone[0].key}"
    refused = [order for order in orders if REFUSAL in order.told]
    if len(refused) < MOST * len(orders):
        yield f"only {len(refused)} of {len(orders)} orders were told {REFUSAL}, the others were left waiting"
