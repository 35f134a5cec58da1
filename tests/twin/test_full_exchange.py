"""An estate at an exchange: the drills about peers, route servers, leaks and one family hold, three runs each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.twin.conftest import ROOT, twin
from tests.twin.drill_kit import hold
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Lab]:
    with twin(ROOT / "examples" / "exchange" / "estate.yaml") as lab:
        yield lab


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("scenario", "arguments"),
    [
        ("leak", {"site": "ams"}),
        ("route-server-loss", {"site": "ams"}),
        ("ipv6-only-failure", {"site": "ams"}),
        ("route-flap", {"site": "ams", "upstream": "transit"}),
    ],
)
def test_they_hold(exchange: Lab, scenario: str, arguments: dict[str, str]) -> None:
    hold(exchange, scenario, 3, **arguments)
