"""Which trials there are, in which order, and how long they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from trimtab.drills.scenario import Inject, Load, Observe, Scenario
from trimtab.drills.scenario_file import find

OURS = "ours"
UNDISTURBED_S = 4.0
AT_LEAST_S = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    """How long a fault is watched. at_most: seconds; an outage that is not over by then is known from below only.

    target: what our outage may be of the `hand-tuned` peer's.  seconds: of one trial, twin included, by
    configuration, measured on two cores; for the estimate alone.
    """

    at_most: float
    target: float
    seconds: dict[str, float]


WATCHES = {
    "site-power-cut": Watch(25.0, 1 / 15, {OURS: 22, "hand-tuned": 30, "sources": 50}),
    "proxy-process-kill": Watch(15.0, 1 / 20, {OURS: 19, "hand-tuned": 22, "sources": 22}),
    "proxy-power-cut": Watch(15.0, 1 / 8, {OURS: 20, "hand-tuned": 23, "sources": 23}),
}


@dataclass(frozen=True, order=True, slots=True)
class Trial:
    """One measurement. number: from 1."""

    number: int
    scenario: str
    configuration: str

    @property
    def estimate_s(self) -> float:
        return WATCHES[self.scenario].seconds[self.configuration]

    def __str__(self) -> str:
        return f"{self.scenario}, {self.configuration}, run {self.number}"


def trials(runs: int, scenarios: Sequence[str], configurations: Sequence[str]) -> Iterator[Trial]:
    """The configurations take turns, so that a noisy moment of the machine hits all of them."""
    for number in range(1, runs + 1):
        for scenario in scenarios:
            for configuration in configurations:
                yield Trial(number, scenario, configuration)


def watched(name: str) -> Scenario:
    """The drill of that name up to its observation, which lasts until the slowest peer is back or the cap.

    Its figures are not judged, only whether the load ran; the claim on the VIPs has their witness heard. What comes
    after, the repair, is not measured here: each trial has a twin of its own, which ends with it.
    """
    fault = next(step for step in find(name).steps if isinstance(step, Inject))
    steps = (Load(UNDISTURBED_S), fault, Observe(AT_LEAST_S, WATCHES[name].at_most))
    return replace(find(name), steps=steps, claims={"vip": "moves"})
