"""A drill in a twin that runs already, and what each checker said where it did not hold."""

from __future__ import annotations

from trimtab.drills.result import RunResult, ScenarioResult
from trimtab.drills.runner import run as drill
from trimtab.drills.scenario_file import find
from trimtab.drills.turn import turn
from trimtab.lab.client import Lab


def hold(lab: Lab, name: str, runs: int, load: str = "normal") -> ScenarioResult:
    """Run it and assert that it holds: every verdict true, every run played."""
    with turn(lambda _: None):  # two drills at once would measure each other
        result = drill(lab, find(name), {}, runs, load=load)
    print(explain(result))  # `pytest -rP` shows what was measured
    assert result.verdict == "true", explain(result)
    assert len(result.runs) == runs
    return result


def explain(result: ScenarioResult) -> str:
    """What every checker said, run by run."""
    lines = [f"{result.scenario.name}: {result.says} ({len(result.runs)} of {result.wanted} runs)"]
    for number, run in enumerate(result.runs, 1):
        lines += [f"run {number}: {run.verdict}, {_figures(run)}"]
        for verdict in run.verdicts:
            lines += [
                f"  {verdict.checker}: {verdict.value}",
                *(f"    {reason}" for reason in verdict.reasons),
            ]
    return "\n".join(lines)


def kept(result: ScenarioResult, at_least: int = 100) -> None:
    """Orders were placed and none was lost."""
    for run in result.runs:
        assert run.figures["acknowledged_orders"] > at_least, explain(result)
        assert run.figures["lost_orders"] == 0, explain(result)


def _figures(run: RunResult) -> str:
    keys = ("outage_s", "write_outage_s", "failed", "lost_orders")
    load = "/".join(map(str, run.figures["machine"]["load_average"]))
    others = run.figures["machine"]["others"]
    return ", ".join(
        [*(f"{key} {run.figures[key]}" for key in keys), f"load average {load}, used by others {others}"]
    )
