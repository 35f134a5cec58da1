"""`trimtab status` and `trimtab why`: the live estate, and why it is as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli import drain_local, registries, why_local
from trimtab.cli.decisions import as_json, decisions_of, known_now, lines_of
from trimtab.cli.drain import At
from trimtab.cli.estate_store import site_named
from trimtab.cli.incidents import open_ones
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import clock, print_json, print_line
from trimtab.cli.registries import TwinOption
from trimtab.errors import BadInput, DriverError

if TYPE_CHECKING:
    from trimtab.estate.inventory import Inventory
    from trimtab.ops.arbiter.ledger import Decision
    from trimtab.ops.drain.granting import Situation
    from trimtab.ops.drain.of_site import RegisteredProxy
    from trimtab.ops.steering.wish import Committed, Done

    Fronts = Mapping[str, Mapping[str, RegisteredProxy]]

LOST = "          whoever asked was killed, or lost the store: it was undone with the lease, within seconds"
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
    registries.inside_twin(estate, twin, name)
    inventory = registries.loaded(estate)
    if watch:
        return _watch(inventory)
    found, fronts = asyncio.run(_looked(inventory))
    rows = [_row(inventory, found, fronts, name) for name in found.world.sites]
    if json:
        print_json({
            "sites": rows, "frozen": _frozen(found), "findings": findings_of(found), "budget": budget_of(found),
            "incidents": open_ones(found.snapshot.records),
        })  # fmt: skip
        return 0
    for line in table_of(found, rows):
        print_line(line)
    return 0


def _watch(inventory: Inventory) -> int:
    """A store that is away for a moment is said in the place of the table."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def drawn() -> Text:
        try:
            found, fronts = asyncio.run(_looked(inventory))
        except DriverError as error:
            return Text(f"{time.strftime('%H:%M:%S')}  {error}")
        rows = [_row(inventory, found, fronts, name) for name in found.world.sites]
        return Text("\n".join([time.strftime("%H:%M:%S"), *table_of(found, rows)]))

    with Live(drawn(), console=Console(), auto_refresh=False) as live, suppress(KeyboardInterrupt):
        while True:
            time.sleep(EVERY_S)
            live.update(drawn(), refresh=True)
    return 0


def table_of(found: Situation, rows: list[dict[str, Any]]) -> list[str]:
    """A line a site, what was found over all of them, and the freeze."""
    lines = [f"{'site':<10} {'verdict':<8} {'agree':<6} {'announced':<10} {'addresses':<14} word"]
    for row in rows:
        agree, held = f"{row['agree']}/{row['of']}", ", ".join(row["held_by"]) or "-"
        lines.append(
            f"{row['site']:<10} {row['verdict']:<8} {agree:<6} {row['step']:<10} {held:<14} {row['word']}".rstrip()
        )
    lines += [*findings_of(found), *open_ones(found.snapshot.records), budget_of(found)]
    if freeze := found.standing.freeze:
        lines.append(f"frozen by {freeze.by}: {freeze.reason}")
    return lines


def budget_of(found: Situation) -> str:
    from trimtab.ops.arbiter.rules import budget

    return budget(found.world, time.time())


def findings_of(found: Situation) -> list[str]:
    """What is to be read in the sites together, and not in one of them."""
    words = {name: verdict.word for name, verdict in found.verdicts.items()}
    bad = [name for name, word in words.items() if word in ("ill", "dark")]
    if len(bad) > 1 and len(bad) == len(words):
        return [f"every site is called {' or '.join(sorted(set(words.values())))} at once: more likely the check, "
                "or the way of those who look on, than the sites; nothing is withdrawn for it"]  # fmt: skip
    return []


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
    registries.inside_twin(estate, twin, name)
    inventory = registries.loaded(estate)
    if "/" in target or target in inventory.by_name:
        return why_local.why(inventory, target, at, json)
    drain_local.named(inventory, target, at)  # --site goes with a member alone
    site = site_named(inventory, target)
    found, fronts = asyncio.run(_looked(inventory, site))
    row, decisions = _row(inventory, found, fronts, site), decisions_of(found, site)
    lost = lost_of(decisions, any(each.site == site for each in found.standing.permits))
    if json:
        rows = [as_json(each) | {"lost": each.number in lost} for each in decisions]
        print_json({**row, "decisions": rows, "frozen": _frozen(found)})
        return 0
    since = f", since {clock(row['since'])}" if row["since"] else ""
    print_line(
        f"{site} is {row['verdict']} ({row['agree']} of {row['of']} vantage points){since}; {row['word']}"
    )
    for line in [
        *row["reasons"],
        *findings_of(found),
        *open_ones(found.snapshot.records, site),
        *(text for each in decisions for text in [*lines_of(each), *([LOST] if each.number in lost else [])]),
    ]:
        print_line(f"  {line}")
    return 0


async def _looked(inventory: Inventory, *sites: str) -> tuple[Situation, Fronts]:
    """The estate's store, and the proxies of each site; one whose registry is away tells nothing."""
    found, fronts = await asyncio.gather(known_now(inventory), why_local.fronts(inventory, sites))
    return found, fronts


def _row(inventory: Inventory, found: Situation, fronts: Fronts, name: str) -> dict[str, Any]:
    verdict, standing, proxies = found.verdicts[name], found.standing, fronts.get(name, {})
    committed, doing = standing.committed.get(name), standing.doing.get(name)
    word = "serves as the estate says"
    if committed:
        word = f"drained by {committed.by} at {clock(committed.at)}: {committed.reason or 'no reason given'}"
    if key := standing.unread.get(name):
        word = f"how it stands cannot be read: the record {key} of the estate's store"
    against = _against(inventory, found, name)
    if doing:
        word = f"{doing.step} is under way; {word}"
    word = "; ".join([word, *_all_the_same(against), *_drained(proxies)])
    return {
        "site": name, "drained": _by(committed), "under_way": doing.step if doing else None,
        "verdict": verdict.word, "agree": verdict.agree, "of": verdict.of, "since": verdict.since,
        "reasons": list(verdict.reasons), "step": found.world.sites[name].step, "word": word,
        "held_by": [host for host, front in proxies.items() if front.state is not None and front.state.holds],
        "routers": {
            host: {"step": done.step, "verified": done.verified, "why": done.why}
            for host, done in sorted(standing.done.get(name, {}).items())
        },
        "against": sorted(against),
    }  # fmt: skip


def _by(word: Committed | None) -> dict[str, Any] | None:
    """The standing word of a site that is drained."""
    return {"by": word.by, "at": word.at, "reason": word.reason} if word else None


def _drained(proxies: Mapping[str, RegisteredProxy]) -> list[str]:
    hands = [front.hand for front in proxies.values() if front.drained and front.hand is not None]
    return [f"{hand.name} is drained by {hand.by}: {hand.reason or 'no reason given'}" for hand in hands]


def _against(inventory: Inventory, found: Situation, site: str) -> dict[str, Done]:
    """The routers of a site that say they came to something else than its standing word; none while a step is under way."""
    standing = found.standing
    if site in standing.doing:
        return {}
    committed, said = standing.committed.get(site), standing.done.get(site, {})
    stands = committed.step if committed else "serve"
    names = [host.name for host in inventory.routers(site)]
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


def _frozen(found: Situation) -> dict[str, Any] | None:
    word = found.standing.freeze
    return {"by": word.by, "reason": word.reason, "at": word.at} if word else None


def lost_of(rows: Sequence[Decision], under_way: bool) -> set[int]:
    """The numbers of the drains and undrains of one site that were begun and of which nobody has said how they ended. rows:
    newest first. under_way: whether the newest of them may be.
    """
    moves = [row for row in rows if row.act in ("drain-site", "undrain-site") and row.word != "refused"]
    begins = [row.word in ("granted", "forced", "begun") for row in moves]
    nobody_ended = [not under_way, *begins]  # what came after each: the next begin, instead of its end
    return {
        row.number for row, began, lost in zip(moves, begins, nobody_ended, strict=False) if began and lost
    }
