"""One trial: a twin of a configuration, one run of a drill in it, and its record."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from _peers import PEERS, comparable, made

from _failover.plan import OURS, Trial, watched
from _failover.record import Record, broken, measured
from trimtab.drills.calibration import carried_rates
from trimtab.drills.machine_lock import turn
from trimtab.drills.runner import run
from trimtab.drills.scene import read_scene
from trimtab.drills.workload import Rates
from trimtab.errors import EnvironmentUnable, TwinFailed
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.client import start
from trimtab.lab.plan import plan
from trimtab.lab.topology import Topology

NAME = "bench-failover"
READY_S = 60.0
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A twin to be started. fingerprint: changes with every value that the estate or a peer sets."""

    topology: Topology
    fingerprint: str


def configurations(estate: Path) -> dict[str, Configuration]:
    """Ours, and each peer's made from it, by name."""
    topology = plan(Inventory(comparable(load_estate(estate)), shrink=True), NAME)
    own = str(topology.facts["configuration"])
    peers = {
        name: Configuration(made(topology, peer), _digest(own, peer.fingerprint))
        for name, peer in PEERS.items()
    }
    return {OURS: Configuration(topology, _digest(own)), **peers}


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


def load_of_this_machine(configuration: Configuration, tell: Tell) -> Rates | None:
    """The load of a whole sitting, asked with one twin; None where the machine carries none that says anything.

    Raises EnvironmentUnable, TwinFailed.
    """
    with turn(_once(tell)):
        lab = start(configuration.topology, timeout=READY_S, stays=False)
        try:
            return carried_rates(lab, read_scene(lab.status()["facts"]), lambda *_: None)
        finally:
            lab.down()


def attempt(trial: Trial, configuration: Configuration, rates: Rates, tell: Tell) -> Record:
    """Wait for the machine's other drills, then measure. A twin that fails is a record too.

    Raises EnvironmentUnable where no twin can run at all.
    """
    with turn(_once(tell)):
        began, load = time.monotonic(), os.getloadavg()[0]
        try:
            return _measure(trial, configuration, rates, began)
        except TwinFailed as error:
            return broken(trial, configuration.fingerprint, rates, str(error), load, time.monotonic() - began)


def _measure(trial: Trial, configuration: Configuration, rates: Rates, began: float) -> Record:
    lab = start(configuration.topology, timeout=READY_S, stays=False)
    try:
        result = run(lab, watched(trial.scenario), rates=rates)
    except EnvironmentUnable as error:  # the twin was there: what it could not do concerns this trial alone
        raise TwinFailed(str(error)) from error
    finally:
        lab.down()
    seconds = time.monotonic() - began
    return measured(trial, configuration.fingerprint, rates, result.runs[0], result.says, seconds)


def attempts(trial: Trial, configuration: Configuration, rates: Rates, tell: Tell) -> list[Record]:
    """One record, or two where the first says nothing: a starved load is given one more chance, and so is a twin."""
    first = attempt(trial, configuration, rates, tell)
    if first.counts:
        return [first]
    tell(f"{trial}: again, because {'; '.join(first.reasons) or 'nothing was measured'}")
    return [replace(first, superseded=True), attempt(trial, configuration, rates, tell)]


def _once(tell: Tell) -> Tell:
    """The lock repeats itself while it waits."""
    said: set[str] = set()

    def new(text: str) -> None:
        if text not in said:
            said.add(text)
            tell(text)

    return new
