"""Runs a scenario in a twin, as often as asked, and gathers what the runs found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trimtab.drills.calibration import Tell, full_rates, normal_rates
from trimtab.drills.faults.targets import check
from trimtab.drills.play import OnProgress, Play, Progress, begin_whole, steady
from trimtab.drills.result import RunResult, ScenarioResult
from trimtab.drills.scenario import BUSIEST, Inject, Prepare, Scenario
from trimtab.drills.scene import LabLike, Region, Scene, read_scene
from trimtab.drills.workload import Rates
from trimtab.errors import BadInput

__all__ = ["LOADS", "OnProgress", "Progress", "refuse", "run", "steady"]

LOADS = ("normal", "full")


def _silent(progress: Progress) -> None:
    """Nobody is told."""


def run(
    lab: LabLike,
    scenario: Scenario,
    args: Mapping[str, str] | None = None,
    runs: int = 1,
    on_progress: OnProgress = _silent,
    *,
    rates: Rates | None = None,
    load: str = "normal",
    predicted: Mapping[str, object] | None = None,
) -> ScenarioResult:
    """Run a scenario `runs` times, one after the other in the same twin, and judge each run.

    args: values for the scenario's arguments (`site`, `upstream`). load: see carried.py; asked before the
    twin's first run. predicted: what timing predicts, passed on to the report. Raises
    BadInput for an argument that is not known, EnvironmentUnable when the twin cannot be used. Interrupted at any
    moment it ends every process that it started and mends what it broke; killed, the next run mends it. A run of which
    nothing is known because others used the machine is played again, in all at most `runs` times.
    """
    scene = read_scene(lab.status()["facts"])
    arguments = _arguments(scenario, scene, args or {}, load)
    if rates is None:
        begin_whole(lab)
        rates = _rates(lab, scene, load, lambda stage, counters: on_progress(
            Progress(scenario.name, 0, runs, stage, 0.0, counters)))  # fmt: skip
    done: list[RunResult] = []
    aside: list[RunResult] = []
    one: Play | None = None
    while len(done) < runs and (one is None or one.ready_again):
        one = Play(lab, scene, scenario, arguments, rates, (len(done) + 1, runs), on_progress)
        found = one.play()
        again = found.disturbed and len(aside) < runs  # who never has the machine for himself learns nothing
        (aside if again else done).append(found)
    aim = one.aim if one else None
    site, says = (aim.site, aim.says) if aim else (arguments["site"], "")
    forecast = _by_region(scene, site, aim.nodes if aim else (), done, predicted or {})
    return ScenarioResult(
        scenario, site, says, tuple(done), runs, dict(scene.objectives), forecast, tuple(aside)
    )


def _rates(lab: LabLike, scene: Scene, load: str, tell: Tell) -> Rates:
    normal = normal_rates(lab, scene, tell)
    return full_rates(lab, scene, tell, normal) if load == "full" else normal


def _by_region(
    scene: Scene, site: str, nodes: tuple[str, ...], runs: list[RunResult], predicted: Mapping[str, object]
) -> dict[str, object]:
    """The prediction, and what it means for each region: only who was served by what is hit notices."""
    if "outage_s" not in predicted:
        return dict(predicted)
    hit = {site, *(name for name, each in scene.sites.items() if set(each.hosts) <= set(nodes))}
    regions = {
        name: predicted["outage_s"]
        if any(_served(run.figures, name) in hit or _carried(scene, region, run) in nodes for run in runs)
        else [0.0, 0.0]
        for name, region in scene.regions.items()
    }
    return {**predicted, "regions": regions}


def _carried(scene: Scene, region: Region, run: RunResult) -> str:
    """The transit by which a region reaches the site that serves it: of those that carry the site the nearest."""
    site = scene.sites.get(_served(run.figures, region.name))
    carry = {each.transit for each in site.upstreams.values()} if site else set()
    return next((each for each in region.transits if each in carry), "")


def _served(figures: Mapping[str, Any], region: str) -> str:
    """The site that answered most of a region's reads before the fault."""
    before: Mapping[str, int] = figures["regions"].get(region, {}).get("sites", {}).get("before", {})
    return max(sorted(before), key=lambda site: before[site], default="")


def refuse(scenario: Scenario, scene: Scene, args: Mapping[str, str], load: str = "normal") -> None:
    """Raise BadInput for an argument that is not known, and where there is nothing to break. Needs no twin."""
    arguments = _arguments(scenario, scene, args, load)
    for step in scenario.steps:
        if isinstance(step, Prepare | Inject):
            check(scene, arguments, step.kind, step.of)


def _arguments(scenario: Scenario, scene: Scene, args: Mapping[str, str], load: str) -> dict[str, str]:
    if load not in LOADS:
        raise BadInput(f"--load {load} is not known", f"there are: {', '.join(LOADS)}")
    unknown = [name for name in args if name not in scenario.arguments]
    if unknown:
        known = ", ".join(scenario.arguments)
        raise BadInput(f"{scenario.name} has no argument {', '.join(unknown)}", f"there is: {known}")
    wanted = args.get("site", scenario.site)
    found = scene.busiest_site() if wanted == BUSIEST else scene.site(wanted).name
    return {**args, "site": found}
