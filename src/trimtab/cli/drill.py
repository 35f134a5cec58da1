"""`trimtab drill`: break something in the twin under load, and compare what was promised with what was measured."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from trimtab.cli.compare import compare
from trimtab.cli.lab import TwinName, start_twin, twin_name
from trimtab.cli.options import DEFAULT_ESTATE, EstateFile, Full, Json, named
from trimtab.cli.output import Progress, log, print_json, print_line
from trimtab.daemons.load import load_estate
from trimtab.drills.machine_lock import turn
from trimtab.drills.report.document import About, document
from trimtab.drills.report.folder import INDEX, folder_names, prepare, write
from trimtab.drills.report_text import figures, verdict
from trimtab.drills.result import ScenarioResult
from trimtab.drills.runner import refuse
from trimtab.drills.runner import run as play
from trimtab.drills.scenario import Scenario
from trimtab.drills.scenario_file import builtin, find
from trimtab.drills.scene import read_scene
from trimtab.errors import BadInput, EnvironmentUnable
from trimtab.estate.inventory import Inventory
from trimtab.lab.client import Lab
from trimtab.lab.plan import plan
from trimtab.timing.budget import explain, predict

STAGE_WIDTH = 110

app = typer.Typer(help="Faults, load, claims, measured figures.", no_args_is_help=True, add_completion=False)
app.command("compare")(compare)


@app.command("list")
def list_(json: Json = False) -> int:
    """The scenarios that can be run."""
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
    upstream: Annotated[
        str | None, typer.Option("--upstream", help="the upstream to break; default: the first of the site")
    ] = None,
    load: Annotated[
        str,
        typer.Option("--load", help="`normal`, or `full`: as much as this machine carries, measured first"),
    ] = "normal",
    name: TwinName = None,
    full: Full = False,
    source: Annotated[
        float | None, typer.Option("--source", help="somebody else's outage in seconds, to compare")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option("--records", help="keep the raw records of every run here", metavar="DIR", parser=named),
    ] = None,
    report_to: Annotated[
        Path | None,
        typer.Option(
            "--report", help="write a page and its data to DIR/SCENARIO", metavar="DIR", parser=named
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Run scenarios in the running twin of the estate, or in one of their own. Exit 1 unless every verdict is true."""
    drills = [(word, find(word)) for word in names]
    inventory = Inventory(load_estate(estate), shrink=not full)
    arguments = {k: v for k, v in (("site", site), ("upstream", upstream)) if v is not None}
    asked = _Asked(estate, runs, arguments, load, full, source, records, report_to, json)
    _refuse(inventory, asked, [scenario for _, scenario in drills])
    if report_to is not None:
        prepare(report_to)
    results, whole = _play(inventory, asked, drills, name)
    if json:
        print_json([result.to_json() for result in results])
    elif report_to is not None and (report_to / INDEX).exists():
        print_line(f"all reports: {report_to / INDEX}")
    if not whole:
        return EnvironmentUnable.exit_code
    return 0 if all(result.verdict == "true" for result in results) else 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options of `run` say."""

    estate: Path
    runs: int
    arguments: Mapping[str, str]
    load: str
    full: bool
    source: float | None
    records: Path | None
    report_to: Path | None
    json: bool


def _play(
    inventory: Inventory, asked: _Asked, drills: Sequence[tuple[str, Scenario]], name: str | None
) -> tuple[list[ScenarioResult], bool]:
    """drills: each with the word by which it was named. (results, whole): whether all was written that was asked for."""
    progress, results, whole = Progress(), list[ScenarioResult](), True
    pages = folder_names([scenario.name for _, scenario in drills])
    with turn(progress), _twin(asked.estate, name, asked.full, progress) as (twin, lasting):
        for (word, scenario), folder in zip(drills, pages, strict=True):
            began = datetime.now().astimezone()
            result = play(
                twin, scenario, asked.arguments, asked.runs, lambda p: progress(_stage(p)),
                load=asked.load, predicted=predict(inventory, scenario.name),
            )  # fmt: skip
            progress.done()
            if not asked.json:
                figures(result, Console(), asked.source)
            result, kept = _keep(result, asked.records, lasting)
            page = None
            if asked.report_to is not None:
                about = partial(
                    _about, inventory, scenario.name, began, _command(word, asked), asked.source, twin
                )
                page = _write(asked.report_to, folder, result, about)
                kept = kept and page is not None
            if not asked.json:
                verdict(result, Console(), page)
            results.append(result)
            whole = whole and kept
    return results, whole


def _refuse(inventory: Inventory, asked: _Asked, scenarios: Sequence[Scenario]) -> None:
    """Raise BadInput for what makes no sense, before anything is started: the estate alone decides."""
    site, source = asked.arguments.get("site"), asked.source
    if site is not None and site not in inventory.estate.sites:
        raise BadInput(f"there is no site `{site}`", f"there are: {', '.join(inventory.site_names())}")
    if not inventory.estate.services or not inventory.on_duty("vips"):
        raise BadInput(
            f"{asked.estate} has no service that a client could ask",
            "a drill needs one: it measures what clients see",
        )
    if source is not None and not 0 <= source < 1e6:
        raise BadInput(
            f"--source {source} is no number of seconds", "what somebody else measured: `--source 23`"
        )
    scene = read_scene(plan(inventory, inventory.estate.estate).facts)
    for scenario in scenarios:
        refuse(scenario, scene, asked.arguments, asked.load)


def _about(
    inventory: Inventory, fault: str, began: datetime, command: str, source: float | None, twin: Lab
) -> About:
    configuration = str(twin.status()["facts"].get("configuration") or "")
    moment = began.isoformat(timespec="seconds")
    return About(inventory.estate.estate, moment, command, configuration, source, explain(inventory, fault))


def _write(root: Path, folder: str, result: ScenarioResult, about: Callable[[], About]) -> Path | None:
    """The page's path. A report that cannot be written any more must not cost the figures: None, and said."""
    try:
        return write(root, folder, document(result.to_report(), about()), log)
    except Exception as error:  # whatever it is: the drill is done, and its figures are all there is
        log(f"the report of {result.scenario.name} could not be written: {type(error).__name__}: {error}")
        return None


def _command(scenario: str, asked: _Asked) -> str:
    """What repeats a drill; options at their defaults are left out."""
    words = ["trimtab", "drill", "run", scenario, "-e", str(asked.estate)]
    options = {
        "--runs": asked.runs if asked.runs > 1 else None,
        **{f"--{key}": value for key, value in asked.arguments.items()},
        "--load": None if asked.load == "normal" else asked.load,
        "--source": None if asked.source is None else f"{asked.source:g}",
    }
    words += [str(word) for key, value in options.items() if value is not None for word in (key, value)]
    return shlex.join([*words, *(["--full"] if asked.full else [])])


def _stage(progress: Any) -> str:
    """One short line; what is waited for can be long."""
    text = f"{progress.scenario}  run {progress.run} of {progress.runs}: {progress.stage}"
    return text if len(text) <= STAGE_WIDTH else text[: STAGE_WIDTH - 1] + "…"


def _keep(result: ScenarioResult, records: Path | None, lasting: bool) -> tuple[ScenarioResult, bool]:
    """The raw records live in the twin's folder: copy them out if asked, and do not name what ends with the twin.

    (result, kept): whether all that was asked for could be copied; what could not is said.
    """
    runs, kept = [], True
    for one in result.runs:
        folder: Path | None = one.folder if lasting else None
        if records is not None:
            try:
                folder = Path(shutil.copytree(one.folder, records / one.folder.name))
            except OSError as error:  # shutil.Error is one
                log(f"the records of {result.scenario.name} could not be kept: {error}")
                kept = False
        figures = {**one.figures, "records": str(folder) if folder else None}
        runs.append(dataclasses.replace(one, figures=figures))
    return dataclasses.replace(result, runs=tuple(runs)), kept


@contextmanager
def _twin(estate: Path, name: str | None, full: bool, progress: Progress) -> Iterator[tuple[Lab, bool]]:
    """(twin, lasting): the running twin, or one that lives as long as the drill. Raises BadInput for another's twin."""
    chosen, wanted = twin_name(name, estate), load_estate(estate).estate
    try:
        running = Lab.connect(chosen)
    except EnvironmentUnable:
        running = None
    if running is not None:
        found = running.status()["facts"].get("estate")
        if found != wanted:
            raise BadInput(
                f"the twin {chosen} runs the estate {found}, not {wanted}", "name another one with --name"
            )
        yield running, True
        return
    twin = start_twin(estate, chosen, full, 60.0, progress, stays=False)
    try:
        yield twin, False
    finally:
        twin.down()
