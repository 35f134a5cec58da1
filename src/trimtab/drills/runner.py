"""Runs a scenario in a twin: load and orders in every region, the fault, what follows, and the judgement."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trimtab.drills.checkers import checkers_for
from trimtab.drills.crew import Counters, Crew, Rates
from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.base import Aim
from trimtab.drills.history import Events, Expected, History
from trimtab.drills.result import RunResult, ScenarioResult, machine, run_result
from trimtab.drills.scenario import BUSIEST, Inject, Load, Observe, Restore, Scenario, Step, WaitReady
from trimtab.drills.scene import LabLike, Scene, read_scene
from trimtab.drills.verdict import judge
from trimtab.errors import BadInput, TrimtabError

TICK_SECONDS = 0.1
STEADY_SECONDS = 3.5  # longer than a failing request takes to become known, its retry included
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Told about ten times a second. stage: what is being done, in words; seconds: since the run began."""

    scenario: str
    run: int
    runs: int
    stage: str
    seconds: float
    counters: Counters


OnProgress = Callable[[Progress], None]


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
    predicted: Mapping[str, object] | None = None,
) -> ScenarioResult:
    """Run a scenario `runs` times, one after the other in the same twin, and judge each run.

    args: values for the scenario's arguments (`site`). predicted: what timing predicts, passed on to the
    report. Raises BadInput for an argument that is not known, EnvironmentUnable when the twin cannot be
    used. Interrupted at any moment it ends every process that it started; a host without power stays so
    until the twin is restored.
    """
    scene = read_scene(lab.status()["facts"])
    site = _site(scenario, scene, dict(args or {}))
    done: list[RunResult] = []
    for number in range(1, runs + 1):
        one = _Run(lab, scene, scenario, site, rates or Rates(), (number, runs), on_progress)
        done.append(one.play())
        if not one.ready_again:
            break
    says = one.aim.says if one.aim else ""
    promised = dict(scene.objectives)
    return ScenarioResult(
        scenario, site, says, tuple(done), runs, promised, _by_region(scene, site, predicted or {})
    )


def _by_region(scene: Scene, site: str, predicted: Mapping[str, object]) -> dict[str, object]:
    """The prediction, and what it means for each region: only the clients of the site that is hit notice."""
    if "outage_s" not in predicted:
        return dict(predicted)
    regions = {
        name: predicted["outage_s"] if region.nearest == site else [0.0, 0.0]
        for name, region in scene.regions.items()
    }
    return {**predicted, "regions": regions}


def _site(scenario: Scenario, scene: Scene, args: dict[str, str]) -> str:
    wanted = args.pop("site", scenario.site)
    if args:
        raise BadInput(f"{scenario.name} has no argument {', '.join(args)}", "there is: site")
    return scene.busiest_site() if wanted == BUSIEST else scene.site(wanted).name


@dataclass(slots=True)
class _Moments:
    """Events as they happen."""

    begin: float = 0.0
    fault: float | None = None
    restore: float | None = None
    ready: float | None = None


@dataclass(slots=True)
class _Run:
    """One run. Steps are played in order while the crew works; then the record is read and judged."""

    lab: LabLike
    scene: Scene
    scenario: Scenario
    site: str
    rates: Rates
    number: tuple[int, int]
    on_progress: OnProgress
    aim: Aim | None = None
    ready_again: bool = True
    moments: _Moments = field(default_factory=_Moments)
    samples: list[tuple[float, Counters]] = field(default_factory=list)

    def play(self) -> RunResult:
        self._begin_whole()
        load_before = os.getloadavg()[0]
        prefix = f"d{uuid.uuid4().hex[:8]}"
        folder = self.lab.scratch / f"drill-{self.scenario.name}-{prefix}"
        with Crew(self.lab, self.scene, self.rates, folder, prefix, seed=self.number[0]) as crew:
            crew.start()
            self._await_first_request(crew)
            for step in self.scenario.steps:
                if not self._step(step, crew):
                    break
            history = self._history(crew)
        limits = self.scenario.limits(self.scene.objectives)
        verdicts = judge(checkers_for(limits), history, limits)
        about = machine(load_before, os.getloadavg()[0])
        return run_result(history, verdicts, about, folder)

    def _begin_whole(self) -> None:
        """An interrupted drill may have left hosts without power."""
        dark = [host["name"] for host in self.lab.status().get("hosts", []) if not host.get("powered", True)]
        if dark:
            self.lab.power_on(dark)
        self.lab.wait_ready(READY_SECONDS)

    def _await_first_request(self, crew: Crew) -> None:
        """The load's interpreters need a moment to start; the run begins with their first requests."""
        ends = time.monotonic() + 10.0
        self.moments.begin = time.monotonic()
        while crew.counters().sent == 0 and time.monotonic() < ends:
            self._tick(crew, "starting the load")
        self._pause(crew, 0.5, "starting the load")
        self.moments.begin = time.monotonic()

    def _step(self, step: Step, crew: Crew) -> bool:
        """Play one step; False when the rest makes no sense any more."""
        if isinstance(step, Load):
            self._pause(crew, step.seconds, "undisturbed load")
        elif isinstance(step, Inject):
            kind = FAULTS[step.kind]
            self.aim = kind.aim(self.lab, self.scene, self.site, step.of)
            self.moments.fault = kind.strike(self.lab, self.aim)
        elif isinstance(step, Observe):
            self._observe(crew, step)
        elif isinstance(step, Restore):
            self._restore(crew)
        else:
            return self._wait_ready(crew, step)
        return True

    def _observe(self, crew: Crew, step: Observe) -> None:
        begin = time.monotonic()
        stage = self.aim.says if self.aim and self.moments.ready is None else "observing the recovery"
        while (passed := time.monotonic() - begin) < step.at_most:
            if passed >= step.at_least and steady(self.samples):
                return
            self._tick(crew, stage)

    def _restore(self, crew: Crew) -> None:
        kind = next(step.kind for step in self.scenario.steps if isinstance(step, Inject))
        assert self.aim is not None
        self._tick(crew, f"restoring {self.site}")
        self.moments.restore = time.monotonic()
        FAULTS[kind].restore(self.lab, self.aim)

    def _wait_ready(self, crew: Crew, step: WaitReady) -> bool:
        def told(waiting: list[str]) -> None:
            self._tick(crew, "waiting for " + ", ".join(waiting[:3]) if waiting else "waiting", sleep=False)

        try:
            self.lab.wait_ready(step.at_most, told)
        except TrimtabError as error:
            self.ready_again = False
            self._tick(crew, str(error), sleep=False)
            return False
        self.moments.ready = time.monotonic()
        return True

    def _history(self, crew: Crew) -> History:
        end = time.monotonic()
        crew.stop()
        reads, gaps = crew.reads()
        self._tick(crew, "waiting for the last orders", sleep=False)
        orders, complaints = crew.orders()
        self._tick(crew, "reading the orders back", sleep=False)
        stored, reason = crew.stored()
        assert self.moments.fault is not None
        events = Events(self.moments.begin, self.moments.fault, self.moments.restore, self.moments.ready, end)
        expected = Expected(self.rates.reads, self.rates.orders if orders else 0.0)
        gaps = [*gaps, *complaints, *([reason] if reason else [])]
        return History(self.site, events, expected, reads, orders, stored, tuple(gaps))

    def _pause(self, crew: Crew, seconds: float, stage: str) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._tick(crew, stage, ends=ends)

    def _tick(self, crew: Crew, stage: str, *, sleep: bool = True, ends: float | None = None) -> None:
        now = time.monotonic()
        counters = crew.counters()
        self.samples.append((now, counters))
        self.samples = [sample for sample in self.samples if sample[0] > now - 2 * STEADY_SECONDS]
        number, runs = self.number
        seconds = now - self.moments.begin
        self.on_progress(Progress(self.scenario.name, number, runs, stage, seconds, counters))
        if sleep:
            time.sleep(min(TICK_SECONDS, max(0.0, (ends or now + 1) - time.monotonic())))


def steady(samples: list[tuple[float, Counters]]) -> bool:
    """Whether for some seconds no request has failed and every region's orders have been acknowledged."""
    if not samples or samples[-1][0] - samples[0][0] < STEADY_SECONDS:
        return False
    now, last = samples[-1]
    earlier = [counters for moment, counters in samples if moment <= now - STEADY_SECONDS]
    then = earlier[-1]
    flowing = all(after > before for after, before in zip(last.acknowledged, then.acknowledged, strict=True))
    return last.failed == then.failed and flowing
