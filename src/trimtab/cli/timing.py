"""`trimtab timing`: what each fault will cost, from the estate alone, beside what is promised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Json
from trimtab.cli.output import log, print_json
from trimtab.daemons.load import load_estate
from trimtab.errors import BadInput
from trimtab.estate.inventory import Inventory
from trimtab.timing.budget import Budget, budgets, explain
from trimtab.timing.faults import FAULTS, ends
from trimtab.timing.layout import WORLDS, World
from trimtab.timing.text import arithmetic, table, warnings
from trimtab.timing.verdict import Line, Promises, Verdict, all_lines, promises

COLOURS: dict[Verdict, str] = {
    "holds": "green", "only in the twin": "yellow", "tight": "yellow", "cannot be kept": "red", "until repair": "dim",
}  # fmt: skip
WIDEST = 100


def timing(
    faults: Annotated[
        list[str] | None, typer.Argument(help="faults; none: all of them", metavar="[FAULT…]")
    ] = None,
    estate: EstateFile = DEFAULT_ESTATE,
    world: Annotated[
        Literal["twin", "internet", "both"],
        typer.Option("--world", help="where: a drill's twin, the Internet"),
    ] = "both",
    terms: Annotated[bool, typer.Option("--terms", help="the arithmetic of every fault")] = False,
    json: Json = False,
) -> int:
    """Predict how long each fault lasts. Exit 1 if even the best case in the twin breaks a promise."""
    inventory = Inventory(load_estate(estate))
    chosen = _chosen(inventory, faults or [], estate)
    promised = promises(inventory.estate)
    found = all_lines(inventory, chosen)
    worlds: tuple[World, ...] = WORLDS if world == "both" else (world,)
    broken = any(line.verdict == "cannot be kept" for line in found)
    if json:
        print_json(_object(inventory, chosen, found, promised, worlds))
    else:
        _print(inventory, chosen if faults or terms else [], found, worlds)
    return 1 if broken else 0


def _chosen(inventory: Inventory, names: list[str], estate: Path) -> list[Budget]:
    """The budgets of the named faults, in the order of the table. Raises BadInput."""
    every = budgets(inventory)
    listed = ", ".join(budget.fault for budget in every)
    for name in names:
        if name not in FAULTS:
            raise BadInput(f"no fault {name!r}", f"there are: {listed}")
        if all(budget.fault != name for budget in every):
            raise BadInput(f"{name} cannot happen to {estate}", f"these can: {listed}")
    return [budget for budget in every if not names or budget.fault in names]


def _print(
    inventory: Inventory, explained: list[Budget], found: list[Line], worlds: tuple[World, ...]
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for row, verdict in table(found, worlds):
        colour = COLOURS.get(verdict)
        console.print(f"[{colour}]{escape(row)}[/]" if colour else escape(row))
    width = min(WIDEST, console.width) if console.is_terminal else None
    writes = promises(inventory.estate).write_rto is not None
    for budget in explained:
        console.print()
        for row in arithmetic(budget, worlds, width, writes=writes):
            console.print(escape(row))
    for sentence in warnings(found):
        log(sentence)


def _object(
    inventory: Inventory,
    chosen: list[Budget],
    found: list[Line],
    promised: Promises,
    worlds: tuple[World, ...],
) -> dict[str, Any]:
    """The documented object of docs/timing.md."""
    return {
        "estate": inventory.estate.estate,
        "promised": {"rto_s": promised.rto, "write_rto_s": promised.write_rto},
        "kept": all(line.verdict != "cannot be kept" for line in found),
        "faults": [
            {
                "fault": budget.fault,
                "shows": budget.shows,
                "figures": [_figure(line, worlds) for line in found if line.fault == budget.fault],
                "terms": [t for t in explain(inventory, budget.fault) if t["world"] in worlds],
            }
            for budget in chosen
        ],
    }


def _figure(line: Line, worlds: tuple[World, ...]) -> dict[str, Any]:
    spans = {"twin": ends(line.twin), "internet": ends(line.internet)}
    return {
        "figure": line.figure, "name": line.name, "promised_s": line.promised,
        "services": list(line.services) or None, **{world: spans[world] for world in worlds},
        "within": {world: round(line.within[world], 6) for world in worlds} if line.within else None,
        "verdict": line.verdict,
    }  # fmt: skip
