"""The loss of the main site while its standby lags behind: three times over, and once more with full load."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold, kept
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
NAMES = ["standby-promotion"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_three_runs_hold_and_lose_no_order(ecommerce: Lab, name: str) -> None:
    kept(hold(ecommerce, name, 3))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NAMES)
def test_it_holds_under_full_load(ecommerce: Lab, name: str) -> None:
    kept(hold(ecommerce, name, 1, "full"))
