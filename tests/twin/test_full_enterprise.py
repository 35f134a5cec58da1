"""The drills of a single site in the enterprise, three times over, and once more with full load. It takes no orders."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
NAMES = [
    "backend-kill", "backend-power-cut", "bad-reload", "bgp-session-drop", "proxy-hang", "proxy-power-cut",
    "proxy-process-kill", "proxy-upgrade", "transit-loss",
]  # fmt: skip
OF_AGENTS = ["agent-kill", "flapping-backend", "rolling-backend-deploy"]  # with nginx, which is reloaded


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*NAMES, *OF_AGENTS])
def test_three_runs_hold(enterprise: Lab, name: str) -> None:
    hold(enterprise, name, 3)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NAMES)
def test_it_holds_under_full_load(enterprise: Lab, name: str) -> None:
    hold(enterprise, name, 1, "full")
