"""A drill in a twin that runs already, and what each checker said where it did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trimtab.drills.load.record import read_record
from trimtab.drills.machine_lock import turn
from trimtab.drills.result import RunResult, ScenarioResult
from trimtab.drills.runner import run as drill
from trimtab.drills.scenario_file import find
from trimtab.lab.client import Lab

MOST = 60  # lines of failed requests for each region


def hold(lab: Lab, name: str, runs: int, load: str = "normal", **arguments: str) -> ScenarioResult:
    """Run it and assert that it holds: every verdict true, every run played. arguments: `site`, `upstream`."""
    with turn(lambda _: None):  # two drills at once would measure each other
        result = drill(lab, find(name), arguments, runs, load=load)
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
        lines += _failing(run) if run.verdict != "true" else ()
    return "\n".join(lines)


def kept(result: ScenarioResult, at_least: int = 100) -> None:
    """Orders were placed and none was lost."""
    for run in result.runs:
        assert run.figures["acknowledged_orders"] > at_least, explain(result)
        assert run.figures["lost_orders"] == 0, explain(result)


def _failing(run: RunResult) -> Iterator[str]:
    """The requests that failed, by quarters of a second after the fault: the records themselves go with the twin."""
    for file in sorted(run.folder.glob("requests-*.jsonl.gz")):
        rows, _ = read_record(file)
        yield f"  {file.name}, failed requests by s after the fault, service, family, error, then site of the retry:"
        bad = [row for row in rows if not row.ok]
        counts = Counter(
            (int(4 * (row.start - run.figures["fault_at_s"])) / 4, row.service, row.family, row.error,
             row.site if row.ok_after_retry else "failed again")
            for row in bad
        )  # fmt: skip
        yield from (f"    {' '.join(map(str, key))}: {count}" for key, count in sorted(counts.items())[:MOST])


def _figures(run: RunResult) -> str:
    keys = ("outage_s", "write_outage_s", "failed", "lost_orders")
    load = "/".join(map(str, run.figures["machine"]["load_average"]))
    others = run.figures["machine"]["others"]
    return ", ".join(
        [*(f"{key} {run.figures[key]}" for key in keys), f"load average {load}, used by others {others}"]
    )
