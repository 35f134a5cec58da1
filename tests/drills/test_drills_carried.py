"""How much a twin carries: what counts as carried, and what is sent then."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from drills_kit import LoopbackLab, Pki, TlsShop, ledger_scripts, row

from trimtab.drills import calibration as module
from trimtab.drills.calibration import Step, carried_rates, full_rates, normal_rates, scaled, share, well
from trimtab.drills.load.record import Row
from trimtab.drills.scene import read_scene
from trimtab.drills.workload import Counters, Rates


def quiet(stage: str, counters: Counters) -> None:
    """Nobody is told."""


def some(number: int = 200, **other: Any) -> list[Row]:
    return [row(100.0 + at / 100, **other) for at in range(number)]


@pytest.mark.parametrize(
    ("rows", "tail", "first", "carried"),
    [
        (some(), 0.03, 0.03, True),
        (some(), 0.03, 0.01, True),  # the first step's and 20 ms more
        (some(), 0.031, 0.01, False),
        (some(), 0.2, 0.1, True),  # twice the first step's
        (some(), 0.201, 0.1, False),
        ([], 0.0, 0.0, False),
        ([*some(), row(103.0, ok=False)], 0.03, 0.03, False),
        ([*some(), *some(2, late=0.06)], 0.03, 0.03, True),  # one in a hundred
        ([*some(), *some(3, late=0.06)], 0.03, 0.03, False),
        (some(late=0.05), 0.03, 0.03, True),
    ],
)
def test_what_is_carried(rows: list[Row], tail: float, first: float, carried: bool) -> None:
    assert well(Step(rows, 0.3), tail, first) is carried


@pytest.mark.parametrize(
    ("spare", "carried"), [(1.0, True), (0.3, True), (0.29, False), (0.0, False), (None, False)]
)
def test_a_step_that_leaves_the_processors_nothing_for_a_fault_is_not_carried(
    spare: float | None, carried: bool
) -> None:
    assert well(Step(some(), spare), 0.03, 0.03) is carried


def test_everything_grows_alike() -> None:
    assert scaled(Rates(100.0, 30.0, 16.0), 1.5) == Rates(150.0, 45.0, 24.0)
    assert scaled(Rates(), 1.0) == Rates()


@pytest.mark.parametrize(("carried", "times"), [(1.0, 1.0), (1.3, 1.25), (2.0, 2.0), (9.0, 4.0), (0.0, 1.0)])
def test_full_load_is_the_last_step_that_was_carried_and_never_less_than_normal(
    monkeypatch: pytest.MonkeyPatch, carried: float, times: float, tmp_path: Path
) -> None:
    def tried(lab: object, scene: object, rates: Rates, tell: object) -> Step:
        return Step(some() if rates.new <= 100.0 * carried else some(late=1.0), 0.5)

    monkeypatch.setattr(module, "_try", tried)
    lab: Any = SimpleNamespace(scratch=tmp_path)
    found = full_rates(lab, None, quiet, Rates())  # type: ignore[arg-type]
    assert found.new == pytest.approx(100.0 * times)
    assert found.kept == pytest.approx(30.0 * times)
    assert found.orders == pytest.approx(16.0 * times)
    monkeypatch.setattr(module, "_try", lambda *_: pytest.fail("it is asked once in the life of a twin"))
    assert full_rates(lab, None, quiet, Rates()) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unused", "half", "times"),
    [
        (0.9, 0.61, 1.0),  # the other half costs 0.29 at most, and 0.32 are left
        (0.9, 0.59, 0.5),
        (0.65, 0.4, 0.5),
        (0.5, 0.3, 0.5),
        (0.5, 0.29, 0.25),
        (0.1, 0.0, 0.25),  # less would measure nothing
        (None, 0.6, 0.25),
        (0.9, None, 0.25),
    ],
)
def test_normal_load_leaves_what_a_fault_takes(
    unused: float | None, half: float | None, times: float
) -> None:
    assert share(unused, half) == times


def test_normal_load_is_asked_once_in_the_life_of_a_twin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tried: list[Rates] = []

    def one(lab: object, scene: object, rates: Rates, tell: object) -> Step:
        tried.append(rates)
        return Step(some(), 0.35)

    monkeypatch.setattr(module, "_try", one)
    monkeypatch.setattr(module, "_idle", lambda tell: 0.6)
    lab: Any = SimpleNamespace(scratch=tmp_path)
    assert normal_rates(lab, None, quiet) == Rates(50.0, 15.0, 8.0)  # type: ignore[arg-type]
    assert normal_rates(lab, None, quiet) == Rates(50.0, 15.0, 8.0)  # type: ignore[arg-type]
    assert tried == [Rates(50.0, 15.0, 8.0)]


@pytest.mark.parametrize(("carried", "times"), [(200.0, 0.25), (20.0, 0.125), (9.0, 0.0625), (7.0, None)])
def test_the_load_of_a_sitting_is_halved_until_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, carried: float, times: float | None, tmp_path: Path
) -> None:
    """The machine has nothing to spare, and serves `carried` reads a second and region."""

    def tried(lab: object, scene: object, rates: Rates, tell: object) -> Step:
        return Step(some(10) if rates.reads <= carried else [*some(9), row(103.0, ok=False)], 0.0)

    monkeypatch.setattr(module, "_try", tried)
    monkeypatch.setattr(module, "_idle", lambda tell: 0.0)
    lab: Any = SimpleNamespace(scratch=tmp_path)
    found = carried_rates(lab, None, quiet)  # type: ignore[arg-type]
    assert found == (None if times is None else scaled(Rates(), times))


def test_a_step_sends_real_requests_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, pki: Pki, shop: TlsShop, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "STEPS", (1.0, 2.0))
    monkeypatch.setattr(module, "STEP_SECONDS", 1.0)
    monkeypatch.setattr(module, "STARTING_SECONDS", 0.5)
    monkeypatch.setattr(module, "SPARE", 0.0)
    monkeypatch.setattr(module, "LATE_SECONDS", 30.0)  # a busy test machine is not what this is about
    monkeypatch.setattr(module, "SLOW_SECONDS", 30.0)
    told: list[tuple[str, Counters]] = []
    lab = LoopbackLab(tmp_path, shop, pki.ca, ledger_scripts(tmp_path))
    scene = read_scene(lab.status()["facts"])
    usual = Rates(40, 20, 20)
    normal = normal_rates(lab, scene, lambda stage, counters: told.append((stage, counters)), usual)
    assert normal in (usual, scaled(usual, 0.5))  # by how busy this machine is
    found = full_rates(lab, scene, lambda stage, counters: told.append((stage, counters)), normal)
    assert found == scaled(normal, 2.0)
    assert {stage for stage, _ in told} == {
        "how much this machine carries",
        *(
            f"how much is carried: {rate:.0f} requests/s in each region"
            for rate in (30, normal.reads, found.reads)
        ),
    }
    assert shop.requests > 20
    assert len(lab.started) == 6
    assert all(process.poll() is not None for process in lab.started)
