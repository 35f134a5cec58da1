"""`trimtab drill`: break something in the twin under load, and compare what was promised with what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.lab import TwinName, start_twin, twin_name
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Full, Json
from trimtab.cli.output import Progress, print_json, print_line
from trimtab.errors import EnvironmentUnable
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate

app = typer.Typer(help="Faults, load, claims, measured figures.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> int:
    """The scenarios that can be run."""
    from trimtab.drills.scenario import builtin

    found = builtin()
    if json:
        print_json([{"scenario": s.name, "shows": s.shows} for s in found.values()])
    for scenario in found.values() if not json else ():
        print_line(f"{scenario.name:<24} {scenario.shows}")
    return 0


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(help="scenarios", metavar="NAME…")],
    estate: EstateFile = DEFAULT_ESTATE,
    runs: Annotated[int, typer.Option("--runs", min=1, max=100, help="how often each is run")] = 1,
    site: Annotated[
        str | None, typer.Option("--site", help="the site to break; default: the one with most clients")
    ] = None,
    name: TwinName = None,
    full: Full = False,
    source: Annotated[
        float | None, typer.Option("--source", help="somebody else's outage in seconds, to compare")
    ] = None,
    json: Json = False,
) -> int:
    """Run scenarios in the running twin of the estate, or in one of their own. Exit 1 unless every verdict is true."""
    from rich.console import Console

    from trimtab.drills.report_text import report
    from trimtab.drills.runner import run as play
    from trimtab.drills.scenario import find
    from trimtab.drills.turn import turn
    from trimtab.timing.faults import predict

    chosen = [find(n) for n in names]
    inventory = Inventory(load_estate(estate), shrink=not full)
    progress = Progress()
    results = []
    with turn(progress), _twin(estate, name, full, progress) as twin:
        for scenario in chosen:
            arguments = {"site": site} if site else {}
            predicted = predict(inventory, scenario.name)
            result = play(twin, scenario, arguments, runs, lambda p: progress(_stage(p)), predicted=predicted)
            results.append(result)
            progress.done()
            if not json:
                report(result, Console(), source)
    if json:
        print_json([result.to_json() for result in results])
    return 0 if all(result.verdict == "true" for result in results) else 1


def _stage(progress: Any) -> str:
    return f"{progress.scenario}  run {progress.run} of {progress.runs}: {progress.stage}"


@contextmanager
def _twin(estate: Path, name: str | None, full: bool, progress: Progress) -> Iterator[Any]:
    """The running twin, or one that lives as long as the drill."""
    from trimtab.lab.client import Lab

    chosen = twin_name(name, estate)
    try:
        yield Lab.connect(chosen)
        return
    except EnvironmentUnable:
        pass
    twin = start_twin(estate, chosen, full, 60.0, progress)
    try:
        yield twin
    finally:
        twin.down()
