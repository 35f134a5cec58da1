"""Proxies that announce by themselves, with each speaker: the drills about them hold, three runs each."""

from __future__ import annotations

import pytest

from tests.twin.drill_kit import hold
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
SCENARIOS = ("ecmp-member-death", "speaker-kill", "speaker-hang")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_they_hold_with_bird(rack: Lab, scenario: str) -> None:
    hold(rack, scenario, 3)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_they_hold_with_exabgp(rack_exabgp: Lab, scenario: str) -> None:
    hold(rack_exabgp, scenario, 3)
