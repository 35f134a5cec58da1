"""`trimtab incidents`: what happened to sites, as their observers wrote it down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from trimtab.answers.incidents import Event, Incidents, Row
from trimtab.answers.incidents import Incident as Answer
from trimtab.cli.estate_store import asked
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import clock, log, print_line, show
from trimtab.cli.session import TwinOption, begin
from trimtab.cli.views.incidents import lines, one
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.ops.incidents.incident import Incident
from trimtab.ops.incidents.record import OPEN, held_of, incident_of, numbers_of
from trimtab.ops.incidents.review import review as page
from trimtab.registry.base import Snapshot

Number = Annotated[int | None, typer.Argument(help="one of them, as the list has it", metavar="[ID]", min=1)]
OnlyOpen = Annotated[bool, typer.Option("--open", help="those that are open")]
Review = Annotated[bool, typer.Option("--review", help="a page for people to go on with, in Markdown")]


def incidents(
    number: Number = None,
    estate: EstateFile = DEFAULT_ESTATE,
    only_open: OnlyOpen = False,
    review: Review = False,
    twin: TwinOption = False,
    name: TwinName = None,
    json: Json = False,
) -> int:
    """What happened to sites, the newest first; with ID, everything that is known of one. Runs as root on a host of the
    estate, or with --twin in its running twin.
    """
    _fitting(number, only_open, review, json)
    records = asyncio.run(_read(begin(estate, twin, name).inventory)).records
    if number is None:
        return _list(records, only_open, json)
    found = _one(records, number)
    if review:
        print_line(page(found).removesuffix("\n"))
    else:
        show(_answer(found, _is_open(records, found)), json, one)
    return 0


def _fitting(number: int | None, only_open: bool, review: bool, json: bool) -> None:
    """Raises BadInput for options that say nothing together."""
    if number is None and review:
        raise BadInput("--review is of one incident", "trimtab incidents ID --review")
    if number is not None and only_open:
        raise BadInput("--open is for the list", "leave out the ID, or --open")
    if review and json:
        raise BadInput("--review and --json exclude each other", "a review is Markdown")


async def _read(inventory: Inventory) -> Snapshot:
    async with asked(inventory) as store:
        return await store.read()


# ---- the list


def _list(records: Mapping[str, bytes], only_open: bool, json: bool) -> int:
    numbers = numbers_of(records)
    read = [found for number in reversed(numbers) if (found := incident_of(records, number)) is not None]
    if len(read) < len(numbers):
        log(f"{len(numbers) - len(read)} incidents in the store cannot be read")
    rows = [_row(found, _is_open(records, found)) for found in read]
    none = "no incident is open" if only_open else "nothing happened that is known"
    answer = Incidents(tuple(row for row in rows if row.open or not only_open))
    show(answer, json, lambda each: lines(each) or [none])
    return 0


def _row(found: Incident, is_open: bool) -> Row:
    return Row(
        found.number, found.site, found.kind, found.state, is_open,
        detected=found.opened, verified=found.verified or None, closed=found.closed or None,
        seconds=round(found.closed - found.opened, 3) if found.closed else None,
        away=round(found.verified - found.since, 3) if found.verified else None,
        last=found.events[-1].text if found.events else "",
    )  # fmt: skip


# ---- one


def _one(records: Mapping[str, bytes], number: int) -> Incident:
    """Raises BadInput for what is not there, or cannot be read."""
    if (found := incident_of(records, number)) is not None:
        return found
    numbers = numbers_of(records)
    if number in numbers:
        raise BadInput(f"incident {number} cannot be read", "its record in the estate store is malformed")
    kept = f"{numbers[0]} to {numbers[-1]} are kept" if numbers else "there is none"
    raise BadInput(f"no incident {number}", kept)


def _is_open(records: Mapping[str, bytes], found: Incident) -> bool:
    """The site's own one: what its pointer has lost is not followed any more."""
    held = held_of(records, found.site)
    return held is not None and held.number == found.number


def open_ones(records: Mapping[str, bytes], *sites: str) -> tuple[str, ...]:
    """A line each, for whoever looks at the sites. sites: () takes all."""
    wanted = sites or sorted(key.removeprefix(f"{OPEN}/") for key in records if key.startswith(f"{OPEN}/"))
    return tuple(
        f"incident {each.number} is open: {each.site} was found {each.kind} at {clock(each.since)}, {each.state} since: "
        f"`trimtab incidents {each.number}`"
        for each in (held_of(records, site) for site in wanted)
        if each is not None
    )


def _answer(found: Incident, is_open: bool) -> Answer:
    return Answer(
        found.number, found.kind, found.opened, found.site, found.state, found.quorum,
        first=found.first, since=found.since, verified=found.verified, closed=found.closed,
        step=found.step, routers=dict(found.routers), decision=found.decision, said=found.said,
        events=tuple(Event(each.at, each.kind, each.text) for each in found.events),
        left_out=found.left_out, open=is_open,
    )  # fmt: skip
