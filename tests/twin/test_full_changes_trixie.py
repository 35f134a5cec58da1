"""Some of the changes with Debian 13's daemons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.twin.changes import BASE
from tests.twin.changes_kit import roll
from tests.twin.conftest import twin
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def moves() -> Iterator[Lab]:
    with twin(BASE, system=["trixie"]) as lab:
        yield lab


@pytest.mark.parametrize("name", ["vip added", "group added", "upstream changed", "pool removed"])
def test_a_change_moves_only_what_it_names(moves: Lab, name: str) -> None:
    roll(moves, name, 0)
