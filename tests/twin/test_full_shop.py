"""Every drill in the shop, three times over, and once more with all the load that the machine carries."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold, kept
from trimtab.drills.scenario_file import builtin
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.full]
# The shop has no third voter beside a site and its replica: its other two sites are both replicas.
NAMES = sorted(set(builtin()) - {"standby-promotion"})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_three_runs_hold_and_lose_no_order(shop: Lab, name: str) -> None:
    kept(hold(shop, name, 3))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NAMES)
def test_it_holds_under_full_load(shop: Lab, name: str) -> None:
    kept(hold(shop, name, 1, "full"))
