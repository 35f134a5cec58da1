"""Agents drain a site that looks unhealthy, and one that nobody serves, while the budget of changes lasts, and not without it."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold, kept
from trimtab.errors import EnvironmentUnable
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]


@pytest.mark.timeout(1500)
def test_three_runs_hold_and_then_the_budget_is_spent(shop: Lab) -> None:
    kept(hold(shop, "site-unhealthy", 3))
    hold(shop, "site-pool-loss-moved", 3)
    with pytest.raises(EnvironmentUnable, match="budget-spent"):
        hold(shop, "site-unhealthy", 1)
