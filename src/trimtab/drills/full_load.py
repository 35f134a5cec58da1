"""How much load the twin carries on this machine right now: the figure that `--load full` means.

Steps go up until requests leave late, fail, or their 95th percentile exceeds twice that of the first step; the
last step that was well, times a margin for what a fault adds, is full load. What it came to stands in the report. It
is asked once in the life of a twin, and kept beside its records.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict

from trimtab.drills.crew import Counters, Crew, Rates
from trimtab.drills.load.record import Row
from trimtab.drills.measure import percentile
from trimtab.drills.scene import LabLike, Scene

STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
STEP_SECONDS = 3.0
LATE_SECONDS, LATE_SHARE = 0.05, 0.01
SLOWER = 2.0
SLOW_SECONDS = 0.02  # below this a tail says more about the clock than about the load
MARGIN = 0.7  # a take-over, a return and their hand-shakes need the rest

Tell = Callable[[str, Counters], None]


def full_rates(lab: LabLike, scene: Scene, tell: Tell, base: Rates | None = None) -> Rates:
    """Rates at `MARGIN` of what the twin carried; never below the usual ones."""
    kept = lab.scratch / "full-load.json"
    if kept.exists():
        return Rates(**json.loads(kept.read_text()))
    found = _ask(lab, scene, tell, base or Rates())
    kept.write_text(json.dumps(asdict(found)))
    return found


def _ask(lab: LabLike, scene: Scene, tell: Tell, usual: Rates) -> Rates:
    carried, first = STEPS[0], None
    for step in STEPS:
        rows = _try(lab, scene, scaled(usual, step), tell)
        tail = percentile([row.total for row in rows], 0.95) or 0.0
        first = tail if first is None else first
        if not well(rows, tail, first):
            break
        carried = step
    return scaled(usual, max(1.0, MARGIN * carried))


def scaled(rates: Rates, times: float) -> Rates:
    return Rates(rates.new * times, rates.kept * times, rates.orders * times)


def well(rows: list[Row], tail: float, first: float) -> bool:
    """Whether a step was carried: nothing failed, next to nothing left late, and its tail is not much longer."""
    late = sum(row.late > LATE_SECONDS for row in rows)
    slow = tail > max(SLOWER * first, first + SLOW_SECONDS)
    return bool(rows) and all(row.ok for row in rows) and late <= LATE_SHARE * len(rows) and not slow


def _try(lab: LabLike, scene: Scene, rates: Rates, tell: Tell) -> list[Row]:
    prefix = f"c{uuid.uuid4().hex[:8]}"
    with Crew(lab, scene, rates, lab.scratch / f"capacity-{prefix}", prefix, seed=1) as crew:
        crew.start()
        ends = time.monotonic() + STEP_SECONDS
        while time.monotonic() < ends:
            tell(f"how much is carried: {rates.reads:.0f} requests/s in each region", crew.counters())
            time.sleep(0.1)
        crew.stop()
        reads, _ = crew.reads()
        crew.orders()
    return [row for rows in reads.values() for row in rows]
