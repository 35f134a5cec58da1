"""`trimtab blackhole`: hosts of ours that providers drop for a time (RFC 7999), so that what is sent to them harms nobody else."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from trimtab.answers.blackhole import BlackHoles
from trimtab.cli.blackhole_seen import answers, routers
from trimtab.cli.blackhole_wanted import addresses_of, lasting, wanted
from trimtab.cli.drain import Force
from trimtab.cli.estate_store import asked
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import show
from trimtab.cli.registries import DryRun
from trimtab.cli.session import Reason, Session, TwinOption, begin
from trimtab.cli.views.blackhole import lines
from trimtab.errors import BadInput, Denied
from trimtab.ops.arbiter.denied import ArbiterDenied
from trimtab.ops.arbiter.world import Request
from trimtab.ops.blackhole.hole import Hole
from trimtab.ops.blackhole.record import came_of, holes_of
from trimtab.ops.drain import black_holes
from trimtab.ops.drain.granting import Granting
from trimtab.ops.drain.judged import Facts
from trimtab.ops.drain.of_estate import facts_of, watching_of
from trimtab.ops.overrides.member import write_planned
from trimtab.registry.base import Registry, Snapshot

TOLD_S, POLL_S = 20.0, 0.2
Addresses = Annotated[
    list[str] | None, typer.Argument(help="hosts of ours, IPv4 or IPv6", metavar="[ADDRESS]...")
]
For = Annotated[
    str | None, typer.Option("--for", help="how long, at most 24h: it ends by itself", metavar="DURATION")
]
At = Annotated[
    str | None,
    typer.Option("--site", help="its routers alone; default: every site that announces the address"),
]
Whom = Annotated[
    str | None, typer.Option("--upstream", help="this upstream alone; default: all that accept black holes")
]


def blackhole(
    addresses: Addresses = None,
    estate: EstateFile = DEFAULT_ESTATE,
    lasts: For = None,
    reason: Reason = "",
    site: At = None,
    upstream: Whom = None,
    list_: Annotated[bool, typer.Option("--list", help="what is black-holed now, and was")] = False,
    lift: Annotated[bool, typer.Option("--lift", help="end it now, for these addresses")] = False,
    force: Force = False,
    dry_run: DryRun = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """Have upstreams drop what is sent to single hosts of ours (RFC 7999), for a time; our routers drop it too. The prefix
    around them stays as it is. What takes an address from clients asks the arbiter. Killed at any moment it has done nothing, or all.
    Runs as root on a host of the estate, or with --twin in its running twin.
    """
    said = addresses or []
    _possible(said, lasts, list_, lift, reason)
    session = begin(estate, twin, name, reason, force)
    if list_:
        answer = asyncio.run(_list(session))
    elif lift:
        answer = asyncio.run(_lift(session, addresses_of(said)))
    else:
        holes = wanted(session, said, lasting(lasts), site, upstream)
        answer = asyncio.run(_begin(session, holes, site or "", force, dry_run))
    show(answer, json, lines)
    return 0 if answer.done or list_ or dry_run else 1


def _possible(said: list[str], lasts: str | None, list_: bool, lift: bool, reason: str) -> None:
    """Raises BadInput."""
    if list_ + lift + (lasts is not None) > 1:
        raise BadInput("two things at once", "one of --for, --list and --lift")
    if list_ == bool(said):
        raise BadInput(
            "--list is of all of them" if list_ else "no address is named",
            "trimtab blackhole ADDRESS --for 1h --reason WHY, or --list, or ADDRESS --lift",
        )
    if not list_ and not lift and (lasts is None or not reason):
        missing = "an end" if lasts is None else "a reason"
        raise BadInput(f"a black hole needs {missing}", "--for 1h --reason WHY: both are kept with it")


async def _list(session: Session) -> BlackHoles:

    async with asked(session.inventory) as store:
        records = (await store.read()).records
    found = answers(session.inventory, holes_of(records), records, time.time())
    return BlackHoles(False, all(all(each.routers.values()) for each in found), (), found)


async def _begin(session: Session, holes: list[Hole], site: str, force: bool, dry_run: bool) -> BlackHoles:

    inventory, who = session.inventory, session.who

    async def facts() -> Facts:
        return facts_of(inventory)

    requests = [Request("blackhole", site, e.address, who.by, who.reason, force=force) for e in holes]
    async with asked(inventory) as store:
        granting = Granting(store, facts, watching_of(inventory))
        if dry_run:
            found, said = await granting.look(requests)
            if not all(each.granted for each in said):
                raise ArbiterDenied(zip(requests, said, strict=True))
            notes = tuple(text for each in said for text in each.overruled)
            return BlackHoles(
                False, True, notes, answers(inventory, holes, found.snapshot.records, time.time())
            )
        granted = await granting.ask(
            requests, 0, lambda found, asked: black_holes.begin(found.snapshot, asked, holes)
        )
        notes = tuple(text for each in granted.asked for text in each.answer.overruled)
        snapshot = await _told(session, store, [each.address for each in holes])
    return _answer(session, snapshot, [each.address for each in holes], True, notes)


async def _lift(session: Session, addresses: list[str]) -> BlackHoles:

    who = session.who
    async with asked(session.inventory) as store:
        changed = await write_planned(
            store, lambda found: black_holes.lift(found, addresses, who.by, who.reason, round(time.time(), 3))
        )
        if not changed:
            raise Denied(
                f"{', '.join(addresses)} is not black-holed", "`trimtab blackhole --list` says what is"
            )
        snapshot = await _told(session, store, addresses)
    return _answer(session, snapshot, addresses, changed, ())


async def _told(session: Session, store: Registry, addresses: list[str]) -> Snapshot:
    """Until every router has said that it is so, or for as long as that may take."""
    ends = time.monotonic() + TOLD_S
    while True:
        snapshot = await store.read()
        if _is_so(session, snapshot, addresses) or time.monotonic() > ends:
            return snapshot
        await asyncio.sleep(POLL_S)


def _is_so(session: Session, snapshot: Snapshot, addresses: list[str]) -> bool:
    """Each router has what stands for these addresses, and nothing else."""

    came, now = came_of(snapshot.records), time.time()
    for hole in (each for each in holes_of(snapshot.records) if each.address in addresses):
        for name in routers(session.inventory, hole):
            has = name in came and came[name].verified and hole.number in came[name].holes
            if hole.stands(now) and not has:
                return False
            if not hole.stands(now) and name in came and hole.number in came[name].holes:
                return False
    return True


def _answer(
    session: Session, snapshot: Snapshot, addresses: list[str], changed: bool, notes: tuple[str, ...]
) -> BlackHoles:

    now, records = time.time(), snapshot.records
    holes = [each for each in holes_of(records) if each.address in addresses]
    shown = [each for each in holes if each.stands(now) or each is holes[-1]]
    return BlackHoles(
        changed, _is_so(session, snapshot, addresses), notes, answers(session.inventory, shown, records, now)
    )
