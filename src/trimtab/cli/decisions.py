"""The arbiter's decisions, and what is known of the estate, as `trimtab why` and its kin answer."""

from __future__ import annotations

import time

from trimtab.answers.why import Decision as Answer
from trimtab.answers.why import Figures, Said
from trimtab.cli.estate_store import asked
from trimtab.estate.inventory import Inventory
from trimtab.ops.arbiter.ledger import Decision
from trimtab.ops.arbiter.world import OF_MEMBERS
from trimtab.ops.drain.granting import Situation
from trimtab.ops.drain.of_estate import facts_of, watching_of
from trimtab.ops.drain.standing import decisions_in

LAST = 20  # decisions


async def known_now(inventory: Inventory) -> Situation:
    async with asked(inventory) as store:
        snapshot = await store.read()
    return Situation.of(
        snapshot, facts_of(inventory, inventory.site_names()), watching_of(inventory), time.time()
    )


def decisions_of(found: Situation, site: str, target: str = "") -> list[Decision]:
    """The last about a site and about the whole estate, but for the site's members, or about one thing in it, newest first.
    target: POOL/MEMBER, or a host, which is meant too by what was asked of it as a member.
    """

    def is_about(row: Decision) -> bool:
        asked = row.request
        names = (asked.target, asked.target.partition("/")[2])
        if target:
            return asked.site == site and target in names
        return asked.site in (site, "") and asked.kind not in OF_MEMBERS

    return list(filter(is_about, reversed(decisions_in(found.snapshot.records))))[:LAST]


def answer_of(row: Decision) -> Answer:
    asked, cost = row.request, row.figures
    return Answer(
        row.at, row.granted, row.outcome, asked.kind, asked.target, asked.by, asked.reason, asked.force, asked.automatic,
        tuple(Said(each.rule, each.text, each.overruled) for each in row.objections),
        Figures(cost.sites_before, cost.sites_after, cost.full_before, cost.full_after, cost.peers, cost.peers_of),
    )  # fmt: skip
