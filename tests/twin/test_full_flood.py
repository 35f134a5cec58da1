"""More clients than a proxy has targets for, with either engine, three times over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.conftest import twin
from tests.twin.drill_kit import hold
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
SOURCE = Path(__file__).parent / "estates" / "flood.yaml"


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    text = SOURCE.read_text()
    if request.param == "nginx":  # it asks no other site
        text = text.replace("proxy: {maxconn", "proxy: {engine: nginx, maxconn").replace(
            ", across: nearest", ""
        )
    file = tmp_path_factory.mktemp(request.param) / "flood.yaml"
    file.write_text(text)
    with twin(file) as lab:
        yield lab


@pytest.mark.timeout(600)
def test_a_full_proxy_stays_where_it_is(pair: Lab) -> None:
    hold(pair, "connection-flood", 3)
