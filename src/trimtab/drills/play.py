"""One run of a scenario: its steps are played while the workload works; then the record is read and judged."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trimtab.drills.checkers import checkers_for, probes_for
from trimtab.drills.checkers.load_ran import OK_BEFORE
from trimtab.drills.checkers.writes import refuses
from trimtab.drills.faults import FAULTS
from trimtab.drills.faults.base import Aim, Arguments
from trimtab.drills.history import Events, Expected, History, Mark
from trimtab.drills.journal import Journal
from trimtab.drills.machine import about, others, sample
from trimtab.drills.probes import PROBES
from trimtab.drills.result import RunResult, run_result
from trimtab.drills.scenario import Inject, Load, Observe, Prepare, Restore, Scenario, Step, WaitReady
from trimtab.drills.scene import LabLike, Scene
from trimtab.drills.verdict import believed, judge
from trimtab.drills.workload import RAMP_SECONDS, Counters, Rates, Workload
from trimtab.errors import EnvironmentUnable, TrimtabError

TICK_SECONDS = 0.1
STEADY_SECONDS = 3.5  # longer than a failing request takes to become known, its retry included
READY_SECONDS = 60.0
WELL_SECONDS = 30.0


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


@dataclass(slots=True)
class _Moments:
    """Events as they happen."""

    begin: float = 0.0
    fault: float | None = None
    restore: float | None = None
    ready: float | None = None


@dataclass(slots=True)
class Play:
    """Plays one run. number: which of how many. After `play`, `aim` says what was hit."""

    lab: LabLike
    scene: Scene
    scenario: Scenario
    arguments: Arguments
    rates: Rates
    number: tuple[int, int]
    on_progress: OnProgress
    aim: Aim | None = None
    ready_again: bool = True
    moments: _Moments = field(default_factory=_Moments)
    samples: list[tuple[float, Counters]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)

    def play(self) -> RunResult:
        """Whatever happens, what was broken is mended before this returns or raises."""
        begin_whole(self.lab)
        load_before = os.getloadavg()[0]
        own = [os.getpid(), *([pid] if (pid := self.lab.status().get("pid")) else [])]
        before = sample(own)
        prefix = f"d{uuid.uuid4().hex[:8]}"
        folder = self.lab.scratch / f"drill-{self.scenario.name}-{prefix}"
        try:
            with Workload(self.lab, self.scene, self.rates, folder, prefix, seed=self.number[0]) as workload:
                workload.start()
                self._await_first_request(workload)
                for step in self.scenario.steps:
                    if not self._step(step, workload):
                        break
                history = self._history(workload)
                after = sample(own)
        except BaseException:
            with contextlib.suppress(TrimtabError, OSError):  # the next run undoes it, or the twin is going
                Journal(self.lab).restore()
            raise
        limits = self.scenario.limits(self.scene.objectives)
        share = others(before, after)
        verdicts = believed(judge(checkers_for(limits), history, limits), share)
        refusing = [region for region in history.orders if refuses(history, limits, region)]
        machine = about((load_before, os.getloadavg()[0]), share)
        return run_result(history, verdicts, machine, folder, refusing)

    def _await_first_request(self, workload: Workload) -> None:
        """The load's interpreters need a moment to start; the run begins with their first requests."""
        ends = time.monotonic() + 10.0
        self.moments.begin = time.monotonic()
        while workload.counters().sent == 0 and time.monotonic() < ends:
            self._tick(workload, "starting the load")
        self._pause(workload, 0.5, "starting the load")
        self.moments.begin = time.monotonic()

    def _step(self, step: Step, workload: Workload) -> bool:
        """Play one step; False when the rest makes no sense any more."""
        if isinstance(step, Load):
            self._load(workload, step.seconds)
        elif isinstance(step, Prepare):
            self._prepare(workload, step)
        elif isinstance(step, Inject):
            self._inject(workload, step)
        elif isinstance(step, Observe):
            self._observe(workload, step)
        elif isinstance(step, Restore):
            self._restore(workload)
        else:
            return self._wait_ready(workload, step)
        return True

    def _load(self, workload: Workload, seconds: float) -> None:
        """Until the load is well for so long: what fails before the fault would be blamed on it. Raises EnvironmentUnable
        where it does not become well; nothing has been broken then.
        """
        self._pause(workload, RAMP_SECONDS, "load")
        self.moments.begin = time.monotonic()
        ends = self.moments.begin + WELL_SECONDS
        while True:
            before = workload.counters()
            self._pause(workload, seconds, "undisturbed load")
            sent, failed = ((now := workload.counters()).sent - before.sent, now.failed - before.failed)
            if failed <= (1 - OK_BEFORE) * sent:
                return
            if time.monotonic() > ends:
                raise EnvironmentUnable(
                    f"{failed} of {sent} requests failed before anything was broken, for {WELL_SECONDS:.0f} s",
                    "is somebody else using this machine, or has the twin been changed? `trimtab lab down`, and again",
                )
            self.moments.begin = time.monotonic()

    def _prepare(self, workload: Workload, step: Prepare) -> None:
        aim = FAULTS[step.kind].aim(self.lab, self.scene, self.arguments, step.of)
        self._tick(workload, aim.says, sleep=False)
        struck = Journal(self.lab).strike(step.kind, aim)
        self.marks.append(Mark(struck.at, aim.says))
        self.evidence.setdefault("told", {}).update(struck.told)

    def _inject(self, workload: Workload, step: Inject) -> None:
        self.aim = FAULTS[step.kind].aim(self.lab, self.scene, self.arguments, step.of)
        self._look("before", workload)
        struck = Journal(self.lab).strike(step.kind, self.aim)
        self.moments.fault = struck.at
        self.evidence.setdefault("told", {}).update(struck.told)

    def _look(self, when: str, workload: Workload) -> None:
        """Hear the probes that this scenario's claims ask for; where it is about routes, who is caught where too."""
        assert self.aim is not None
        names = probes_for(checkers_for(self.scenario.limits(self.scene.objectives)))
        names = (*names, "catchment") if self._about_routes(self.aim) else names
        self._tick(workload, "asking the estate itself", sleep=False)
        self.evidence[when] = {name: PROBES[name](self.lab, self.scene, self.aim.site) for name in names}

    def _about_routes(self, aim: Aim) -> bool:
        """It claims something of them, or what is hit is what announces and carries them."""
        hit = bool(aim.segments) or not self.scene.announcing.isdisjoint(aim.nodes)
        return bool(self.scene.vantages) and (hit or self.scenario.about_routes)

    def _observe(self, workload: Workload, step: Observe) -> None:
        begin = time.monotonic()
        recovering = self.moments.ready is not None
        stage = "observing the recovery" if recovering or self.aim is None else self.aim.says
        while (passed := time.monotonic() - begin) < step.at_most:
            if passed >= step.at_least and steady(self.samples):
                break
            self._tick(workload, stage)
        self._look("after" if recovering else "during", workload)

    def _restore(self, workload: Workload) -> None:
        assert self.aim is not None
        self._tick(workload, f"restoring {self.aim.site}")
        self.moments.restore = time.monotonic()
        Journal(self.lab).restore()

    def _wait_ready(self, workload: Workload, step: WaitReady) -> bool:
        def told(waiting: list[str]) -> None:
            self._tick(
                workload, "waiting for " + ", ".join(waiting[:3]) if waiting else "waiting", sleep=False
            )

        try:
            self.lab.wait_ready(step.at_most, told)
        except TrimtabError as error:
            self.ready_again = False
            self._tick(workload, str(error), sleep=False)
            return False
        self.moments.ready = time.monotonic()
        Journal(self.lab).forget()
        return True

    def _history(self, workload: Workload) -> History:
        end = time.monotonic()
        workload.stop()
        reads, gaps = workload.reads()
        self._tick(workload, "waiting for the last orders", sleep=False)
        orders, complaints = workload.orders()
        self._tick(workload, "reading the orders back", sleep=False)
        stored, reason = workload.stored()
        assert self.moments.fault is not None and self.aim is not None
        events = Events(self.moments.begin, self.moments.fault, self.moments.restore, self.moments.ready, end)
        expected = Expected(self.rates.reads, self.rates.orders if orders else 0.0)
        gaps = [*gaps, *complaints, *([reason] if reason else [])]
        marks, seen = tuple(self.marks), self.evidence
        away = {name: region.away_s.get(self.aim.site, 0.0) for name, region in self.scene.regions.items()}
        return History(self.aim.site, events, expected, reads, orders, stored, tuple(gaps), marks, seen, away)

    def _pause(self, workload: Workload, seconds: float, stage: str) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._tick(workload, stage, ends=ends)

    def _tick(self, workload: Workload, stage: str, *, sleep: bool = True, ends: float | None = None) -> None:
        now = time.monotonic()
        counters = workload.counters()
        self.samples.append((now, counters))
        self.samples = [sample for sample in self.samples if sample[0] > now - 2 * STEADY_SECONDS]
        number, runs = self.number
        seconds = now - self.moments.begin
        self.on_progress(Progress(self.scenario.name, number, runs, stage, seconds, counters))
        if sleep:
            time.sleep(min(TICK_SECONDS, max(0.0, (ends or now + 1) - time.monotonic())))


def begin_whole(lab: LabLike) -> None:
    """An interrupted drill may have left hosts without power, cables cut, processes stopped."""
    Journal(lab).restore()
    dark = [host["name"] for host in lab.status().get("hosts", []) if not host.get("powered", True)]
    if dark:
        lab.power_on(dark)
    lab.wait_ready(READY_SECONDS)


def steady(samples: list[tuple[float, Counters]]) -> bool:
    """Whether for some seconds no request has failed and every region's orders have been acknowledged."""
    if not samples or samples[-1][0] - samples[0][0] < STEADY_SECONDS:
        return False
    now, last = samples[-1]
    earlier = [counters for moment, counters in samples if moment <= now - STEADY_SECONDS]
    then = earlier[-1]
    flowing = all(after > before for after, before in zip(last.acknowledged, then.acknowledged, strict=True))
    return last.failed == then.failed and flowing
