"""The arbiter's decisions, and what is known of the estate, as `trimtab why` and its kin tell them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from trimtab.cli.estate_store import asked
from trimtab.cli.output import clock

if TYPE_CHECKING:
    from trimtab.estate.inventory import Inventory
    from trimtab.ops.arbiter.ledger import Decision
    from trimtab.ops.drain.granting import Situation

LAST = 20  # decisions


async def known_now(inventory: Inventory) -> Situation:
    from trimtab.ops.drain.granting import Situation
    from trimtab.ops.drain.of_estate import facts_of, watching_of

    async with asked(inventory) as store:
        snapshot = await store.read()
    return Situation.of(snapshot, facts_of(inventory), watching_of(inventory), time.time())


def decisions_of(found: Situation, site: str, target: str = "") -> list[Decision]:
    """The last about a site and about the whole estate, but for the site's members, or about one thing in it, newest first.
    target: POOL/MEMBER, or a host, which is meant too by what was asked of it as a member.
    """
    from trimtab.ops.arbiter.world import OF_MEMBERS
    from trimtab.ops.drain.standing import decisions_in

    def is_about(row: Decision) -> bool:
        asked = row.request
        names = (asked.target, asked.target.partition("/")[2])
        if target:
            return asked.site == site and target in names
        return asked.site in (site, "") and asked.kind not in OF_MEMBERS

    return list(filter(is_about, reversed(decisions_in(found.snapshot.records))))[:LAST]


def lines_of(row: Decision) -> list[str]:
    asked = row.request
    reason = f": {asked.reason}" if asked.reason else ""
    lines = [f"{clock(row.at)}  {row.word:<8} {row.act} {asked.target} by {asked.by}{reason}"]
    figures = row.figures
    if row.granted and asked.kind == "drain-site" and figures.sites_before:
        full = _full(figures.full_before, figures.full_after)
        lines.append(
            f"          {figures.sites_after} of {figures.sites_before} sites were left to carry{full}"
        )
    elif row.granted and figures.peers_of:
        lines.append(f"          {figures.peers} of {figures.peers_of} were left")
    for said in row.objections:
        lines.append(f"          {said.rule}: {said.text}" + (" (overruled)" if said.overruled else ""))
    return lines


def _full(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"; {before:.0%} full before, {after:.0%} then"


def as_json(row: Decision) -> dict[str, Any]:
    asked = row.request
    return {
        "at": row.at, "granted": row.granted, "word": row.word, "kind": asked.kind, "target": asked.target, "by": asked.by,
        "reason": asked.reason, "force": asked.force, "automatic": asked.automatic,
        "objections": [{"rule": s.rule, "text": s.text, "overruled": s.overruled} for s in row.objections],
    }  # fmt: skip
