"""How much load the twin carries on this machine right now: the figure that `--load full` means.

Steps go up until requests leave late, fail, their 95th percentile exceeds twice that of the first step, or the
processors have no longer to spare what a fault adds; the last step that was well is full load. What it came to stands in
the report. It is asked once in the life of a twin, and kept beside its records.

The twin, its clients and its faults share the processors, so the margin is theirs, not one of requests: a site that is
cut off, elects, and comes back costs the same at any load (a quarter of two processors for two seconds, measured), and
beyond what they have a drill would measure this machine and not the estate.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass

from trimtab.drills.crew import Counters, Crew, Rates
from trimtab.drills.load.record import Row
from trimtab.drills.machine import sample, spare
from trimtab.drills.measure import percentile
from trimtab.drills.scene import LabLike, Scene

STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
STEP_SECONDS = 3.0
STARTING_SECONDS = 1.0  # of them: a client that starts is no load that stays
LATE_SECONDS, LATE_SHARE = 0.05, 0.01
SLOWER = 2.0
SLOW_SECONDS = 0.02  # below this a tail says more about the clock than about the load
SPARE = 0.3  # of all processors

Tell = Callable[[str, Counters], None]


@dataclass(frozen=True, slots=True)
class Step:
    """rows: its requests. spare: the share of all processors that nobody used, 0 to 1; None where that is not known."""

    rows: list[Row]
    spare: float | None


def full_rates(lab: LabLike, scene: Scene, tell: Tell, base: Rates | None = None) -> Rates:
    """Rates that the twin carried with `SPARE` left; never below the usual ones."""
    kept = lab.scratch / "full-load.json"
    if kept.exists():
        return Rates(**json.loads(kept.read_text()))
    found = _ask(lab, scene, tell, base or Rates())
    kept.write_text(json.dumps(asdict(found)))
    return found


def _ask(lab: LabLike, scene: Scene, tell: Tell, usual: Rates) -> Rates:
    carried, first = STEPS[0], None
    for times in STEPS:
        step = _try(lab, scene, scaled(usual, times), tell)
        tail = percentile([row.total for row in step.rows], 0.95) or 0.0
        first = tail if first is None else first
        if not well(step, tail, first):
            break
        carried = times
    return scaled(usual, carried)


def scaled(rates: Rates, times: float) -> Rates:
    return Rates(rates.new * times, rates.kept * times, rates.orders * times)


def well(step: Step, tail: float, first: float) -> bool:
    """Whether a step was carried: nothing failed, next to nothing left late, its tail is not much longer, and the
    processors had enough to spare. What is not known is not well.
    """
    rows = step.rows
    late = sum(row.late > LATE_SECONDS for row in rows)
    slow = tail > max(SLOWER * first, first + SLOW_SECONDS)
    carried = bool(rows) and all(row.ok for row in rows) and late <= LATE_SHARE * len(rows) and not slow
    return carried and step.spare is not None and step.spare >= SPARE


def _try(lab: LabLike, scene: Scene, rates: Rates, tell: Tell) -> Step:
    prefix = f"c{uuid.uuid4().hex[:8]}"
    with Crew(lab, scene, rates, lab.scratch / f"capacity-{prefix}", prefix, seed=1) as crew:
        crew.start()
        _wait(STARTING_SECONDS, crew, rates, tell)
        before = sample(())
        _wait(STEP_SECONDS - STARTING_SECONDS, crew, rates, tell)
        left = spare(before, sample(()))
        crew.stop()
        reads, _ = crew.reads()
        crew.orders()
    return Step([row for rows in reads.values() for row in rows], left)


def _wait(seconds: float, crew: Crew, rates: Rates, tell: Tell) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        tell(f"how much is carried: {rates.reads:.0f} requests/s in each region", crew.counters())
        time.sleep(0.1)
