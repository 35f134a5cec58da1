"""nginx is reloaded when what it would read differs, and only then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.control_kit import FakeUnits, run

from trimtab.agent.proxy.nginx import GENERATIONS, NginxController, pace
from trimtab.agent.runtime.metrics import Metrics
from trimtab.drivers.units import UnitState
from trimtab.errors import Refused

UNIT = "nginx.service"


class Reloaded:
    """The units, with a hook that runs before the reload is done."""

    def __init__(self, units: FakeUnits, hook: Callable[[], None]) -> None:
        self._units, self._hook = units, hook
        self.state, self.restart = units.state, units.restart

    async def reload(self, unit: str) -> None:
        self._hook()
        await self._units.reload(unit)


class Stage:
    def __init__(self, folder: Path) -> None:
        self.members, self.loaded, self.units = folder / "members.json", folder / "loaded", FakeUnits(UNIT)
        self.used = folder / "members.used"
        self.hook: Callable[[], None] = self.use
        self.write()

    def write(self, weight: int = 100, floor: int = 1) -> None:
        body = {
            "version": 1,
            "pools": {"web": {"1": {"weight": weight}}},
            "floors": {"web": floor},
            "splits": {},
        }
        self.members.write_text(json.dumps(body))

    def use(self, taken: bool = True) -> None:
        """What proxy-members does; not `taken`: the membership could not be used."""
        digest = hashlib.sha256(self.members.read_bytes()).hexdigest()
        self.used.write_text(digest if taken else "")

    def sync(self) -> int:
        units = Reloaded(self.units, self.hook)
        controller = NginxController(UNIT, units, self.members, self.loaded, Metrics(), self.used)
        run(controller.reconcile(frozenset(("reload",))))
        return len(self.units.reloaded)


def test_a_reload_for_each_difference_and_none_without(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert [stage.sync(), stage.sync()] == [1, 1], "the first, because nobody knows what it read"
    stage.write(weight=0)
    assert [stage.sync(), stage.sync()] == [2, 2]


def test_floors_do_not_concern_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.sync()
    stage.write(floor=9)
    assert stage.sync() == 1


def test_one_that_is_not_active_is_not_reloaded_and_asked_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.units.states[UNIT] = UnitState(UNIT, "activating")
    with pytest.raises(Refused):
        stage.sync()
    stage.units.states[UNIT] = UnitState(UNIT, "active")
    assert stage.sync() == 1


def test_a_membership_that_was_not_used_is_told_and_asked_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.hook = lambda: stage.use(taken=False)
    for _ in range(2):
        with pytest.raises(Refused, match="did not take"):
            stage.sync()
    assert not stage.loaded.exists()
    stage.hook = stage.use
    assert [stage.sync(), stage.sync()] == [3, 3]


def test_what_was_written_meanwhile_needs_no_second_reload(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    def hook() -> None:
        stage.write(weight=7)
        stage.use()

    stage.hook = hook
    assert [stage.sync(), stage.sync()] == [1, 1]
    stage.write(weight=8)
    stage.hook = stage.use
    assert stage.sync() == 2


def test_one_that_was_started_without_the_membership_is_reloaded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.sync() == 1
    stage.used.write_text("")  # the start between found the file bad
    assert [stage.sync(), stage.sync()] == [2, 2]


def test_a_hook_that_says_nothing_is_believed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.hook = lambda: None
    assert [stage.sync(), stage.sync()] == [1, 1]


@pytest.mark.parametrize("drain", [1.0, 60.0, 600.0, 86400.0])
def test_old_workers_are_bounded_by_what_drain_allows(drain: float) -> None:
    assert pace(drain).spacing >= 1.0 and drain / pace(drain).spacing <= GENERATIONS
