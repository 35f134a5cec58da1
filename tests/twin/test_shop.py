"""The shop's twin: three sites of real daemons, looked at from where clients are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.twin.conftest import ROOT, eventually, fetch, run
from tests.twin.drill_kit import hold, kept
from tests.twin.scan_kit import assert_closed
from trimtab.daemons.rendered import render_host
from trimtab.drills.checkers.conduct import same_moment
from trimtab.drills.probes.route import since
from trimtab.drills.scene import read_scene
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.lab.client import Lab
from trimtab.lab.differences import file_limit, for_twin

pytestmark = [pytest.mark.twin, pytest.mark.alone]
API = "https://api.shop.example/api/health"
PREFIXES = ("203.0.113.0/24", "198.18.1.0/24", "2001:db8:113::/48")


def announced(lab: Lab, prefix: str) -> bool:
    """Does hk's upstream hear the prefix from hk itself?"""
    hkix = read_scene(lab.status()["facts"]).site("hk").upstreams["hkix"]
    return bool(since(lab, hkix, prefix))


def test_the_files_on_the_hosts_are_the_rendered_ones(shop: Lab) -> None:
    inventory = Inventory(load_estate(ROOT / "examples/shop/estate.yaml"), shrink=True)
    for name in ("hk-router-1", "sg-proxy-2", "la-orders-1"):
        for artifact in render_host(inventory, inventory.by_name[name]):
            assert run(shop, name, "cat", artifact.path) == for_twin(artifact, file_limit()).content, (
                artifact.path
            )


@pytest.mark.parametrize(("region", "site"), [("asia", "hk"), ("america", "la"), ("default", "hk")])
@pytest.mark.parametrize("family", ["-4", "-6"])
def test_each_region_reaches_its_nearest_site(shop: Lab, region: str, site: str, family: str) -> None:
    for url in (API, "https://www.shop.example/"):
        found = fetch(shop, f"clients-{region}", url, family)
        assert (found["status"], found["x-site"]) == ("200", site)


def test_the_front_door_does_what_the_file_says(shop: Lab) -> None:
    plain = fetch(shop, "clients-asia", "http://shop.example/a?b=c")
    assert (plain["status"], plain["location"]) == ("301", "https://shop.example/a?b=c")
    page = fetch(shop, "clients-asia", "https://shop.example/")
    assert page["strict-transport-security"] == "max-age=31536000" and "cache-control" not in page
    style = fetch(shop, "clients-asia", "https://shop.example/x/site.css")
    assert style["cache-control"] == "public, max-age=2592000"
    other = fetch(shop, "clients-asia", "https://shop.example/", "-H", "Host: nobody.example")
    assert other["status"] == "421"


def test_nothing_but_services_answers_on_a_public_address(shop: Lab) -> None:
    inventory = Inventory(load_estate(ROOT / "examples/shop/estate.yaml"), shrink=True)
    assert_closed(shop, inventory, ("clients-asia", "as64500", "sg-backend-1"))


def test_an_order_is_kept_once_and_seen_from_every_region(shop: Lab) -> None:
    key = "test-order-1"
    url = "https://api.shop.example/orders"
    for _ in range(2):
        found = fetch(
            shop, "clients-asia", url, "-X", "POST", "-H", f"Idempotency-Key: {key}", "-d", "two shirts"
        )
        assert found["status"] in ("200", "201")
    listed = run(shop, "clients-america", "curl", "-s", "--cacert", "/etc/trimtab/ca.pem", url)
    assert listed.count(key) == 1


def test_a_site_without_a_proxy_leaves_the_internet_by_itself(shop: Lab) -> None:
    proxies = ("hk-proxy-1", "hk-proxy-2")
    assert all(announced(shop, prefix) for prefix in PREFIXES)
    for proxy in proxies:
        shop.unit(proxy, "haproxy.service", "stop")
    try:
        assert eventually(lambda: not any(announced(shop, prefix) for prefix in PREFIXES), 5)
        assert eventually(
            lambda: fetch(shop, "clients-asia", "https://shop.example/").get("x-site") == "sg", 5
        )
    finally:
        for proxy in proxies:
            shop.unit(proxy, "haproxy.service", "start")
    shop.wait_ready(30)
    assert all(announced(shop, prefix) for prefix in PREFIXES)
    assert fetch(shop, "clients-asia", API)["x-site"] == "hk"


def test_one_proxy_more_or_less_never_moves_the_prefix(shop: Lab) -> None:
    def moments() -> list[str]:
        """Since when hk's upstreams have it from hk; what they tell each other follows later, and again."""
        upstreams = read_scene(shop.status()["facts"]).site("hk").upstreams.values()
        return [since(shop, each, "203.0.113.0/24") or "" for each in upstreams]

    def alike(one: list[str], other: list[str]) -> bool:
        """FRR counts back from now, so it may say the same moment a second apart."""
        return len(one) == len(other) and all(map(same_moment, one, other))

    looks: list[tuple[float, list[str]]] = []

    def settled() -> bool:
        """What came back a moment ago, another upstream's path among it, is older than a second."""
        looks.append((time.monotonic(), moments()))
        earlier = [look for at, look in looks if at <= looks[-1][0] - 1.5]
        return bool(earlier) and all(
            alike(look, looks[-1][1]) for at, look in looks if at >= looks[-1][0] - 1.5
        )

    assert eventually(settled, 30)
    before = looks[-1][1]
    assert before
    for action in ("stop", "start"):
        shop.unit("hk-proxy-1", "haproxy.service", action)
        shop.wait_ready(30) if action == "start" else None
    after = moments()  # the time of the last change
    assert alike(before, after), (before, after)


def test_a_proxy_that_hangs_gives_its_addresses_away(shop: Lab) -> None:
    holder = next(
        p for p in ("hk-proxy-1", "hk-proxy-2") if "203.0.113.10" in run(shop, p, "ip", "-o", "addr", "show")
    )
    shop.kill(holder, "haproxy.service", "STOP")
    try:
        assert eventually(lambda: "203.0.113.10" not in run(shop, holder, "ip", "-o", "addr", "show"), 5)
        assert eventually(lambda: "10.1.255.1" not in run(shop, holder, "ip", "-o", "addr", "show", "lo"), 5)
        assert eventually(lambda: fetch(shop, "clients-asia", API)["status"] == "200", 5)
    finally:
        shop.kill(holder, "haproxy.service", "CONT")
    shop.wait_ready(30)


@pytest.mark.timeout(180)
def test_the_loss_of_a_site_holds(shop: Lab) -> None:
    result = hold(shop, "site-power-cut", 1)
    kept(result)
    figures = result.runs[
        0
    ].figures  # of what this machine carries: at the usual 130 requests/s a region these are 3000
    assert figures["requests"] > 23 * figures["rates"]["requests"]


def test_nothing_of_the_twin_shows_outside(shop: Lab) -> None:
    names = {entry.name for entry in Path("/sys/class/net").iterdir()}
    assert not {n for n in names if n.startswith(("vlan", "up", "site", "as64"))}
    assert not Path("/run/trimtab").exists() and not Path("/etc/trimtab").exists()
