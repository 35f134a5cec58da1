"""Some of the changes with nginx, and with VRRP by unicast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.twin.changes import BASE
from tests.twin.changes_kit import roll
from tests.twin.conftest import twin
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full, pytest.mark.timeout(180)]
NGINX = ("vrrp: {", "tiers: {proxy: {engine: nginx}}\nvrrp: {unicast: true, ")


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    file = tmp_path_factory.mktemp("nginx") / "estate.yaml"
    file.write_text(BASE.read_text().replace(*NGINX))
    with twin(file) as lab:
        yield lab


@pytest.mark.parametrize("name", ["vip added", "service changed", "pool removed", "host added"])
def test_a_change_moves_only_what_it_names(moves: Lab, name: str) -> None:
    roll(moves, name, 1, NGINX, repeats=20)
