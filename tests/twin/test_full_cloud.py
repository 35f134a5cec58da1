"""A site behind one-to-one NAT, with a public address for each proxy: what is reached how, and the drill about it, three runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.conftest import run, twin
from tests.twin.drill_kit import hold
from trimtab.drills.scenario_file import find
from trimtab.drills.scene import read_scene
from trimtab.errors import BadInput
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.full]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Lab]:
    with twin(Path(__file__).parent / "estates/cloud.yaml") as lab:
        yield lab


def asks(lab: Lab, node: str, url: str, address: str, ca: str = "/etc/trimtab/ca.pem") -> str:
    """The status that a request of a node gets at an address."""
    name = url.split("/")[2]
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "3", "--cacert", ca]
    return run(lab, node, *argv, "--resolve", f"{name}:443:{address}", url).strip()


@pytest.mark.timeout(180)
def test_both_addresses_serve_from_outside_and_from_inside(cloud: Lab) -> None:
    url = "https://www.cloud.example/"
    for address in ("198.51.100.10", "198.51.100.11"):
        assert asks(cloud, "clients-default", url, address) == "200"
        assert asks(cloud, "one-backend-1", url, address, "/etc/trimtab/pki/ca.crt") == "200"


@pytest.mark.timeout(180)
def test_a_proxy_sees_the_client_s_own_address(cloud: Lab) -> None:
    """One-to-one NAT leaves the client's address alone."""
    (region,) = read_scene(cloud.status()["facts"]).regions.values()
    source = region.sources["4"][7]
    heard = "add table ip heard; add chain ip heard in { type filter hook input priority 0; }; add rule ip heard in ip saddr"
    run(cloud, "edge-a", "nft", f"{heard} {source} tcp dport 443 counter")
    argv = ["curl", "-s", "--max-time", "3", "--cacert", "/etc/trimtab/ca.pem", "--interface", source]
    run(
        cloud,
        "clients-default",
        *argv,
        "--resolve",
        "www.cloud.example:443:198.51.100.10",
        "https://www.cloud.example/",
    )
    counted = run(cloud, "edge-a", "nft", "list", "table", "ip", "heard")
    run(cloud, "edge-a", "nft", "delete", "table", "ip", "heard")
    assert "counter packets 0 " not in counted, counted


@pytest.mark.timeout(180)
def test_a_drained_proxy_says_so_to_who_asks_for_its_health_and_serves_on(cloud: Lab) -> None:
    def status() -> str:
        return run(
            cloud,
            "one-backend-1",
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "http://10.1.48.10:8408/",
        )

    assert status().strip() == "200"
    run(cloud, "edge-a", "/usr/local/lib/trimtab/front", "drain")
    assert status().strip() == "503"
    assert asks(cloud, "clients-default", "https://www.cloud.example/", "198.51.100.10") == "200"
    run(cloud, "edge-a", "/usr/local/lib/trimtab/front", "undrain")
    assert status().strip() == "200"


@pytest.mark.timeout(60)
def test_drills_about_who_holds_the_vips_are_refused(cloud: Lab) -> None:
    with pytest.raises(BadInput, match="no VRRP moves addresses at one"):
        hold(cloud, find("proxy-power-cut").name, 1)


@pytest.mark.timeout(900)
def test_one_of_two_addresses_is_lost_and_comes_back(cloud: Lab) -> None:
    hold(cloud, "nat-site", 3)
