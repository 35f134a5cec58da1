"""`trimtab incidents`: what happened to sites, as their observers wrote it down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli import registries
from trimtab.cli.estate_store import asked
from trimtab.cli.lab import TwinName
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import clock, log, print_json, print_line
from trimtab.cli.registries import TwinOption
from trimtab.errors import BadInput

if TYPE_CHECKING:
    from trimtab.estate.inventory import Inventory
    from trimtab.ops.incidents.incident import Incident
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
    registries.inside_twin(estate, twin, name)
    records = asyncio.run(_read(registries.loaded(estate))).records
    if number is None:
        return _list(records, only_open, json)
    found = _one(records, number)
    if json:
        print_json(_fields(found) | {"open": _is_open(records, found)})
    elif review:
        from trimtab.ops.incidents.review import review as page

        print_line(page(found).removesuffix("\n"))
    else:
        _tell(found, _is_open(records, found))
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
    from trimtab.ops.incidents.record import incident_of, numbers_of

    numbers = numbers_of(records)
    read = [found for number in reversed(numbers) if (found := incident_of(records, number)) is not None]
    if len(read) < len(numbers):
        log(f"{len(numbers) - len(read)} incidents in the store cannot be read")
    rows = [_row(found, _is_open(records, found)) for found in read]
    rows = [row for row in rows if row["open"] or not only_open]
    if json:
        print_json({"incidents": rows})
        return 0
    if not rows:
        print_line("no incident is open" if only_open else "nothing happened that is known")
        return 0
    print_line(f"{'ID':<5} {'site':<10} {'class':<10} {'state':<10} {'detected':<19} {'away':<12} last")
    for row in rows:
        print_line(
            f"{row['id']:<5} {row['site']:<10} {row['class']:<10} {row['state']:<10} "
            f"{clock(row['detected']):<19} {_away(row):<12} {row['last']}"
        )
    return 0


def _row(found: Incident, is_open: bool) -> dict[str, Any]:
    """seconds: from detected to closed, away: from a quorum's first word to its word that it serves; None as long as that
    has not come.
    """
    return {
        "id": found.number, "site": found.site, "class": found.kind, "state": found.state, "open": is_open,
        "detected": found.opened, "verified": found.verified or None, "closed": found.closed or None,
        "seconds": round(found.closed - found.opened, 3) if found.closed else None,
        "away": round(found.verified - found.since, 3) if found.verified else None,
        "last": found.events[-1].text if found.events else "",
    }  # fmt: skip


def _away(row: dict[str, Any]) -> str:
    """How long a quorum found that it does not serve."""
    from trimtab.ops.incidents.incident import span

    if row["away"] is not None:
        return span(row["away"])
    return "until now" if row["open"] else "not closed"


# ---- one


def _one(records: Mapping[str, bytes], number: int) -> Incident:
    """Raises BadInput for what is not there, or cannot be read."""
    from trimtab.ops.incidents.record import incident_of, numbers_of

    if (found := incident_of(records, number)) is not None:
        return found
    numbers = numbers_of(records)
    if number in numbers:
        raise BadInput(f"incident {number} cannot be read", "its record in the estate store is malformed")
    kept = f"{numbers[0]} to {numbers[-1]} are kept" if numbers else "there is none"
    raise BadInput(f"no incident {number}", kept)


def _is_open(records: Mapping[str, bytes], found: Incident) -> bool:
    """The site's own one: what its pointer has lost is not followed any more."""
    from trimtab.ops.incidents.record import held_of

    held = held_of(records, found.site)
    return held is not None and held.number == found.number


def open_ones(records: Mapping[str, bytes], *sites: str) -> list[str]:
    """A line each, for whoever looks at the sites. sites: () takes all."""
    from trimtab.ops.incidents.record import OPEN, held_of

    wanted = sites or sorted(key.removeprefix(f"{OPEN}/") for key in records if key.startswith(f"{OPEN}/"))
    return [
        f"incident {each.number} is open: {each.site} was found {each.kind} at {clock(each.since)}, {each.state} since: "
        f"`trimtab incidents {each.number}`"
        for each in (held_of(records, site) for site in wanted)
        if each is not None
    ]


def _fields(found: Incident) -> dict[str, Any]:
    """As it stands in the store, with the names of the list."""
    body = asdict(found)
    return {"id": body.pop("number"), "class": body.pop("kind"), "detected": body.pop("opened"), **body}


def _tell(found: Incident, is_open: bool) -> None:
    from trimtab.ops.incidents.incident import CLASSES, span

    away = f", after {span(found.verified - found.since)} in which it did not serve" if found.verified else ""
    state = "is open" if is_open else "is over" if found.closed else "is not followed any more"
    print_line(f"{found.number}: {found.site}, {found.kind}: {CLASSES[found.kind]}")
    print_line(f"it {state}: {found.state}{away}")
    half = len(found.events) // 2
    for place, event in enumerate(found.events):
        if found.left_out and place == half:
            print_line(f"  {found.left_out} events are left out here")
        print_line(f"  {clock(event.at)}  {event.kind:<10} {event.text}")
    for line in found.said:
        print_line(f"  said by {line}")
