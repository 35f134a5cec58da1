"""The shop with RPKI: a hijack is refused and told, three times over; and without validators nothing moves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.twin.conftest import ROOT, run, twin
from tests.twin.drill_kit import hold
from trimtab.delivery import systems
from trimtab.drills.faults.told_by_frr import told, untold
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]
FOREIGN = "99.0.0.0/24"  # a ROA gives it to nobody in the twin
# One in the network of hk's proxies, one beyond the upstreams.
RPKI = '  rpki: {validators: ["10.1.48.240:3323", "192.0.2.53:323"]}\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    text = f"platform: {systems.own_platform()}\n" + (ROOT / "examples/shop/estate.yaml").read_text()
    file = tmp_path_factory.mktemp("defence") / "estate.yaml"
    file.write_text(text.replace("\ntiers:\n", f"{RPKI}\ntiers:\n", 1))
    with twin(file) as lab:
        yield lab


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["hijack", "validators-empty"])
def test_three_runs_hold(shop: Lab, name: str) -> None:
    hold(shop, name, 3)


def test_routes_tells_who_hears_which_site_and_what_is_refused(shop: Lab) -> None:
    source = shop.status()["facts"]["source"]
    ask = [sys.executable, "-m", "trimtab", "routes", "--twin", "--name", shop.name, "-e", source, "--json"]
    run(shop, "as64500", *told("as64500", {FOREIGN: ()}))
    refused: list[str] = []
    for _ in range(10):
        found = json.loads(
            subprocess.run(ask, capture_output=True, text=True, timeout=120, check=True).stdout
        )
        refused = [each["why"] for router in found["routers"] for each in router["refused"]]
        if refused:
            break
    assert refused == ["invalid"] and not found["silent"]
    catchment = {
        each["vantage"]: each["sites"] for each in found["heard"] if each["prefix"] == "203.0.113.0/24"
    }
    assert catchment["as64502"] == ["sg"] and catchment["as64503"] == ["la"] == catchment["la-router-1"]
    run(shop, "as64500", *untold("as64500", [FOREIGN]))
