"""`trimtab status` and `trimtab why`: the live estate, and why it is as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from trimtab.answers.codec import extended
from trimtab.answers.status import Frozen, Router, Shifted, Site, Status, Told, Word
from trimtab.answers.why import SiteDecision, WhySite
from trimtab.cli import drain_local, why_local
from trimtab.cli.blackhole_seen import standing_now
from trimtab.cli.decisions import answer_of, decisions_of, known_now
from trimtab.cli.drain import At
from trimtab.cli.estate_store import site_named
from trimtab.cli.incidents import open_ones
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import clock, show
from trimtab.cli.session import TwinOption, begin
from trimtab.cli.views.status import lines
from trimtab.cli.views.why import site as view
from trimtab.errors import BadInput, DriverError
from trimtab.estate.inventory import Inventory
from trimtab.estate.peering import speakers
from trimtab.ops.arbiter.ledger import Decision
from trimtab.ops.arbiter.rules import budget
from trimtab.ops.drain.granting import Situation
from trimtab.ops.drain.of_site import RegisteredProxy
from trimtab.ops.steering.shift import Shift
from trimtab.ops.steering.wish import Done

Fronts = Mapping[str, Mapping[str, RegisteredProxy]]

EVERY_S = 2.0
CAME_TO = {"serve": "announced", "prefer": "announced as second choice", "withdraw": "not announced"}
TargetArgument = Annotated[
    str,
    typer.Argument(
        help="a site with services (whatever its state), a host, or POOL/MEMBER", metavar="TARGET"
    ),
]


def status(
    estate: EstateFile = DEFAULT_ESTATE,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="anew every two seconds, until it is interrupted")
    ] = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Every site: what the vantage points say, what was decided about it, and which proxy holds its addresses.
    Runs as root on a host of the estate, or with --twin in its running twin.
    """
    if watch and json:
        raise BadInput("--watch is for people", "ask with --json as often as you like")
    inventory = begin(estate, twin, name).inventory
    if watch:
        return _watch(inventory)
    show(_status(inventory), json, lines)
    return 0


def _status(inventory: Inventory) -> Status:
    found, fronts = asyncio.run(_looked(inventory))
    rows = tuple(_site(inventory, found, fronts, name) for name in found.world.sites)
    return Status(
        rows, _frozen(found), findings_of(found), budget_of(found), open_ones(found.snapshot.records),
        standing_now(inventory, found.snapshot.records, time.time()),
    )  # fmt: skip


def _watch(inventory: Inventory) -> int:
    """A store that is away for a moment is said in the place of the table."""

    def drawn() -> Text:
        try:
            answer = _status(inventory)
        except DriverError as error:
            return Text(f"{time.strftime('%H:%M:%S')}  {error}")
        return Text("\n".join([time.strftime("%H:%M:%S"), *lines(answer)]))

    with Live(drawn(), console=Console(), auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while True:
            time.sleep(EVERY_S)
            live.update(drawn(), refresh=True)
    return 0


def budget_of(found: Situation) -> str:
    return budget(found.world, time.time())


def findings_of(found: Situation) -> tuple[str, ...]:
    """What is to be read in the sites together, and not in one of them."""
    words = {name: verdict.state for name, verdict in found.verdicts.items()}
    bad = [name for name, word in words.items() if word in ("unhealthy", "unreachable")]
    if len(bad) > 1 and len(bad) == len(words):
        return (f"every site is called {' or '.join(sorted(set(words.values())))} at once: more likely the check, "
                "or the way of those who observe, than the sites; nothing is withdrawn for it",)  # fmt: skip
    return ()


def why(
    target: TargetArgument,
    estate: EstateFile = DEFAULT_ESTATE,
    at: At = None,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Why a site, a host or POOL/MEMBER is as it is: who says what of it, what stands, and each decision with its reasons.
    Runs as root on a host of the estate, or with --twin in its running twin.
    """
    inventory = begin(estate, twin, name).inventory
    if "/" in target or target in inventory.by_name:
        return why_local.why(inventory, target, at, json)
    drain_local.named(inventory, target, at)  # --site goes with a member alone
    site = site_named(inventory, target)
    show(_why(inventory, site), json, view)
    return 0


def _why(inventory: Inventory, site: str) -> WhySite:
    found, fronts = asyncio.run(_looked(inventory, site))
    rows = decisions_of(found, site)
    lost = lost_of(rows, any(each.site == site for each in found.standing.permits))
    decisions = tuple(extended(SiteDecision, answer_of(each), lost=each.number in lost) for each in rows)
    return extended(
        WhySite, _site(inventory, found, fronts, site), decisions=decisions, frozen=_frozen(found),
        findings=findings_of(found), incidents=open_ones(found.snapshot.records, site),
    )  # fmt: skip


async def _looked(inventory: Inventory, *sites: str) -> tuple[Situation, Fronts]:
    """The estate's store, and the proxies of each site; one whose registry is away tells nothing."""
    found, fronts = await asyncio.gather(known_now(inventory), why_local.fronts(inventory, sites))
    return found, fronts


def _site(inventory: Inventory, found: Situation, fronts: Fronts, name: str) -> Site:
    verdict, standing, proxies = found.verdicts[name], found.standing, fronts.get(name, {})
    committed, doing = standing.committed.get(name), standing.doing.get(name)
    word = "serves as the estate says"
    if committed:
        word = f"drained by {committed.by} at {clock(committed.at)}: {committed.reason or 'no reason given'}"
    if key := standing.unread.get(name):
        word = f"how it stands cannot be read: the record {key} of the estate's store"
    against = _against(inventory, found, name)
    shift = standing.shifts.get(name)
    if shift is not None and shift.upstreams:
        told = "; ".join(f"{each.upstream} {each.words}" for each in shift.upstreams)
        word += f"; shifted by {shift.by} at {clock(shift.at)} ({told}): {shift.reason or 'no reason given'}"
    if doing:
        word = f"{doing.step} is under way; {word}"
    word = "; ".join([word, *_all_the_same(against), *_drained(proxies)])
    return Site(
        name, Word(committed.by, committed.at, committed.reason) if committed else None, doing.step if doing else None,
        verdict.state, verdict.agree, verdict.of, verdict.since, verdict.reasons, found.world.sites[name].step, word,
        held_by=tuple(host for host, front in proxies.items() if front.state is not None and front.state.holds),
        routers={
            host: Router(done.step, done.verified, done.why)
            for host, done in sorted(standing.done.get(name, {}).items())
        },
        against=tuple(sorted(against)),
        shifted=_shifted(shift),
    )  # fmt: skip


def _shifted(shift: Shift | None) -> Shifted | None:
    if shift is None or not shift.upstreams:
        return None
    told = {
        each.upstream: Told(
            each.prepend, each.med, tuple(":".join(map(str, parts)) for parts in each.communities)
        )
        for each in shift.upstreams
    }
    return Shifted(shift.by, shift.at, shift.reason, told)


def _drained(proxies: Mapping[str, RegisteredProxy]) -> list[str]:
    overrides = [front.override for front in proxies.values() if front.drained and front.override is not None]
    return [
        f"{override.name} is drained by {override.by}: {override.reason or 'no reason given'}"
        for override in overrides
    ]


def _against(inventory: Inventory, found: Situation, site: str) -> dict[str, Done]:
    """The routers of a site that say they came to something else than its committed state; none while a step is under way."""
    standing = found.standing
    if site in standing.doing:
        return {}
    committed, said = standing.committed.get(site), standing.done.get(site, {})
    stands = committed.step if committed else "serve"
    names = [host.name for host in speakers(inventory, site)]
    return {name: said[name] for name in names if name in said and said[name].step != stands}


def _all_the_same(against: Mapping[str, Done]) -> list[str]:
    """In words: those that say the same, and why, together."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for host, done in sorted(against.items()):
        hosts.setdefault((done.step, done.why), []).append(host)
    return [
        f"{CAME_TO[step]} by {', '.join(names)} all the same: {why or 'no reason given'}"
        for (step, why), names in hosts.items()
    ]


def _frozen(found: Situation) -> Frozen | None:
    word = found.standing.freeze
    return Frozen(word.by, word.reason, word.at) if word else None


def lost_of(rows: Sequence[Decision], under_way: bool) -> set[int]:
    """The numbers of the drains and undrains of one site that were begun and of which nobody has said how they ended. rows:
    newest first. under_way: whether the newest of them may be.
    """
    moves = [row for row in rows if row.act in ("drain-site", "undrain-site") and row.outcome != "refused"]
    begins = [row.outcome in ("granted", "forced", "begun") for row in moves]
    nobody_ended = [not under_way, *begins]  # what came after each: the next begin, instead of its end
    return {
        row.number for row, began, lost in zip(moves, begins, nobody_ended, strict=False) if began and lost
    }
