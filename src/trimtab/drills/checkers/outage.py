"""Reads come back within the promised time in every region."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trimtab.drills.history import History
from trimtab.drills.measure import Outage, episodes, read_outage
from trimtab.drills.verdict import Claims, Verdict, decide


class ReadsWithin:
    """true.

    In every region outage_s is within the claim, and so is each later episode of failures by itself.
    """

    name = "reads"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.reads_s is not None
        since, until = history.events.phase("during")
        leaving = history.events.restore is None
        outages = {
            region: read_outage(rows, since, until, leaving=leaving) for region, rows in history.reads.items()
        }
        reasons = [
            text for region, found in outages.items() if (text := complaint(region, found, claims.reads_s))
        ]
        worst = max((found.outage_s for found in outages.values()), default=None)
        figures: dict[str, Any] = {region: asdict(found) for region, found in outages.items()}
        value = decide(None if worst is None else not reasons)
        return Verdict(self.name, value, tuple(reasons), {"outage_s": worst, "regions": figures})


class PausesWithin:
    """true: in every region no stretch of failing reads is longer than claimed, counted from its own first failing read.

    For what moves addresses several times on purpose: between two moves nothing is out.
    """

    name = "pauses"

    def check(self, history: History, claims: Claims) -> Verdict:
        assert claims.pauses_s is not None
        since, until = history.events.phase("during")
        leaving, limit = history.events.restore is None, claims.pauses_s
        found: dict[str, dict[str, Any]] = {}
        reasons = []
        for region, rows in history.reads.items():
            stretches = episodes(rows, since, until, arriving=True, leaving=leaving)
            longest = max((one.last_sent - one.first_sent for one in stretches), default=0.0)
            found[region] = {"longest_s": round(longest, 4), "stretches": len(stretches)}
            if any(not one.over for one in stretches):
                reasons.append(f"{region} did not recover: reads still failed at the end")
            elif longest > limit:
                reasons.append(f"{region} could not read for {longest:.2f} s at a time, promised {limit:g} s")
        value = decide(not reasons if found else None)
        return Verdict(self.name, value, tuple(reasons), {"regions": found})


def complaint(region: str, found: Outage, limit: float) -> str:
    """Why a region breaks the claim, or nothing."""
    if not found.recovered:
        return (
            f"{region} did not recover: reads still failed at the end, {found.outage_s:.1f} s after the fault"
        )
    if found.outage_s > limit:
        return f"{region} could not read for {found.outage_s:.2f} s, promised {limit:g} s"
    if max(found.later, default=0.0) > limit:
        return (
            f"{region} failed again for {max(found.later):.2f} s after it had recovered, promised {limit:g} s"
        )
    return ""
