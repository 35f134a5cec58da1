"""How much load the twin carries on this machine right now: what `--load normal` sends, and what `--load full` means.

The twin, its clients and its faults share the processors. A site that is cut off, elects, and comes back costs the same
at any load (a quarter of two processors for two seconds, measured), so that much stays unused: beyond it a drill would
measure this machine and not the estate. Normal load is the usual one where that leaves enough, otherwise a half or a
quarter of it. For full load steps go up from there until requests leave late, fail, their 95th percentile exceeds twice
that of the first step, or the processors have too little to spare; the last step that was well is full load.
Both are asked once in the life of a twin, and kept beside its records; what they came to stands in the report.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from trimtab import codec
from trimtab.drills.load.record import Row
from trimtab.drills.machine import sample, spare
from trimtab.drills.measure import percentile
from trimtab.drills.scene import LabLike, Scene
from trimtab.drills.workload import Counters, Rates, Workload
from trimtab.drivers.files import write_atomically

STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
STEP_SECONDS = 3.0
STARTING_SECONDS = 1.0  # of them: a client that starts is no load that stays
LATE_SECONDS, LATE_SHARE = 0.05, 0.01
SLOWER = 2.0
SLOW_SECONDS = 0.02  # below this a tail says more about the clock than about the load
HALF = 0.5
SPARE = 0.3  # of all processors
LEAST = (
    1 / 16
)  # of the usual rates: 8 requests a second and region resolve an outage of a quarter of a second, not less

Tell = Callable[[str, Counters], None]


@dataclass(frozen=True, slots=True)
class Step:
    """rows: its requests. spare: the share of all processors that nobody used, 0 to 1; None where that is not known."""

    rows: list[Row]
    spare: float | None


def normal_rates(lab: LabLike, scene: Scene, tell: Tell, usual: Rates | None = None) -> Rates:
    """The usual rates, or the half or the quarter of them that leaves `SPARE`; where nothing is known, the least."""

    def find() -> Rates:
        rates = usual or Rates()
        quiet = _idle(tell)
        half = _try(lab, scene, scaled(rates, HALF), tell).spare
        return scaled(rates, share(quiet, half))

    return _kept(lab, "normal", find)


def carried_rates(lab: LabLike, scene: Scene, tell: Tell) -> Rates | None:
    """The normal rates, halved until they are carried: nothing fails, next to nothing leaves late. None where not even
    `LEAST` of the usual ones is.
    """
    rates = normal_rates(lab, scene, tell)
    while rates.reads >= LEAST * Rates().reads:
        if served(_try(lab, scene, rates, tell).rows):
            return rates
        rates = scaled(rates, HALF)
    return None


def share(quiet: float | None, half: float | None) -> float:
    """Of the usual rates, by what is unused without load and at half of them. Half is tried because a machine that is
    full hides what it lacks; the other half costs at most what the first did, which has also started the clients.
    """
    if quiet is None or half is None or half < SPARE:
        return HALF / 2
    return 1.0 if half - (quiet - half) >= SPARE else HALF


def full_rates(lab: LabLike, scene: Scene, tell: Tell, normal: Rates) -> Rates:
    """Rates that the twin carried with `SPARE` left; never below the normal ones."""
    return _kept(lab, "full", lambda: _ask(lab, scene, tell, normal))


def _kept(lab: LabLike, name: str, find: Callable[[], Rates]) -> Rates:
    kept = lab.scratch / f"{name}-load.json"
    if kept.exists():
        return codec.loads(Rates, kept.read_text())
    found = find()
    write_atomically(kept, codec.dumps(found).encode())
    return found


def _idle(tell: Tell) -> float | None:
    """The unused share of the processors before there is any load."""
    before, ends = sample(()), time.monotonic() + STEP_SECONDS - STARTING_SECONDS
    while time.monotonic() < ends:
        tell("how much this machine carries", Counters(0, 0, ()))
        time.sleep(0.1)
    return spare(before, sample(()))


def _ask(lab: LabLike, scene: Scene, tell: Tell, normal: Rates) -> Rates:
    carried, first = STEPS[0], None
    for times in STEPS:
        step = _try(lab, scene, scaled(normal, times), tell)
        tail = percentile([row.total for row in step.rows], 0.95) or 0.0
        first = tail if first is None else first
        if not well(step, tail, first):
            break
        carried = times
    return scaled(normal, carried)


def scaled(rates: Rates, times: float) -> Rates:
    return Rates(rates.new * times, rates.kept * times, rates.orders * times)


def well(step: Step, tail: float, first: float) -> bool:
    """Whether a step was carried: nothing failed, next to nothing left late, its tail is not much longer, and the
    processors had enough to spare. What is not known is not well.
    """
    slow = tail > max(SLOWER * first, first + SLOW_SECONDS)
    return served(step.rows) and not slow and step.spare is not None and step.spare >= SPARE


def served(rows: list[Row]) -> bool:
    """Whether there were requests, none failed, and next to none left late."""
    late = sum(row.late > LATE_SECONDS for row in rows)
    return bool(rows) and all(row.ok for row in rows) and late <= LATE_SHARE * len(rows)


def _try(lab: LabLike, scene: Scene, rates: Rates, tell: Tell) -> Step:
    prefix = f"c{uuid.uuid4().hex[:8]}"
    with Workload(lab, scene, rates, lab.scratch / f"capacity-{prefix}", prefix, seed=1) as workload:
        workload.start()
        _wait(STARTING_SECONDS, workload, rates, tell)
        before = sample(())
        _wait(STEP_SECONDS - STARTING_SECONDS, workload, rates, tell)
        left = spare(before, sample(()))
        workload.stop()
        reads, _ = workload.reads()
        workload.orders()
    return Step([row for rows in reads.values() for row in rows], left)


def _wait(seconds: float, workload: Workload, rates: Rates, tell: Tell) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        tell(f"how much is carried: {rates.reads:.0f} requests/s in each region", workload.counters())
        time.sleep(0.1)
