"""nginx is reloaded when what it would read differs, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from control_kit import FakeUnits, run

from trimtab.control.metrics import Metrics
from trimtab.control.nginx import NginxController
from trimtab.drivers.units import UnitState
from trimtab.errors import Refused

UNIT = "nginx.service"


class Stage:
    def __init__(self, folder: Path) -> None:
        self.members, self.loaded, self.units = folder / "members.json", folder / "loaded", FakeUnits(UNIT)
        self.write()

    def write(self, weight: int = 100, floor: int = 1) -> None:
        body = {
            "version": 1,
            "pools": {"web": {"1": {"weight": weight}}},
            "floors": {"web": floor},
            "splits": {},
        }
        self.members.write_text(json.dumps(body))

    def sync(self) -> int:
        controller = NginxController(UNIT, self.units, self.members, self.loaded, Metrics())
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
