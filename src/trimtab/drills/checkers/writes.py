"""Orders are acknowledged again within the promised time in every region."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trimtab.drills.history import History
from trimtab.drills.measure import WriteOutage, write_outage
from trimtab.drills.verdict import Claims, Verdict, decide


class WritesWithin:
    """true: every region's write_outage_s is within the claim. unknown: without a ledger.

    A region whose site is expected to refuse, being in the minority, is judged by `minority` instead.
    """

    name = "writes"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.writes_s is not None
        if not history.orders:
            return Verdict(
                self.name, "unknown", ("no service of the estate has a ledger, so no order was sent",)
            )
        since, until = history.events.phase("during")
        found = {
            region: write_outage(orders, history.events.fault, since, until)
            for region, orders in history.orders.items()
            if not refuses(history, claims, region)
        }
        mute = [
            f"{region} had no order acknowledged before the fault" for region, one in found.items() if not one
        ]
        known = {region: one for region, one in found.items() if one}
        late = [text for region, one in known.items() if (text := complaint(region, one, claims.writes_s))]
        worst = max((one.write_outage_s for one in known.values()), default=None)
        figures: dict[str, Any] = {region: asdict(one) for region, one in known.items()}
        value = decide(False if late else None if mute else True)
        return Verdict(self.name, value, (*late, *mute), {"write_outage_s": worst, "regions": figures})


def refuses(history: History, claims: Claims, region: str) -> bool:
    """Whether a region is served by a site that has to refuse writes while the fault lasts."""
    return "minority" in claims.conduct and history.served_by(region) == history.site


def complaint(region: str, found: WriteOutage, limit: float) -> str:
    """Why a region breaks the claim, or nothing."""
    if not found.over:
        return (
            f"{region} had no order acknowledged for the last {found.write_outage_s:.1f} s of the observation"
        )
    if found.write_outage_s > limit:
        return f"{region} had no order acknowledged for {found.write_outage_s:.2f} s, promised {limit:g} s"
    return ""
