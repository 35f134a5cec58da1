"""The agents of the shop's twin: members come and go by themselves, and what an operator asks outlives everything."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.twin.conftest import ROOT, eventually, fetch, run
from trimtab.drills.probes.proxies import members
from trimtab.drills.scene import read_scene
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone]
PROXIES = ("hk-proxy-1", "hk-proxy-2")
REGISTER = "/etc/trimtab/register.d/api.json"
AGENT = "trimtab-agent.service"


def pools(shop: Lab) -> dict[str, Any]:
    """What both proxies of hk have, if they agree."""
    first, second = members(shop, read_scene(shop.status()["facts"]), "hk").values()
    return first if first == second and first else {}


def weights(shop: Lab, pool: str) -> list[int]:
    return sorted(pools(shop).get(pool, {}).values())


def agent(shop: Lab, host: str, *words: str) -> str:
    return run(shop, host, sys.executable, "-m", "trimtab.agent", *words)


def test_members_register_themselves_and_both_proxies_agree(shop: Lab) -> None:
    assert eventually(lambda: weights(shop, "api") == [100, 100, 100], 20)
    assert set(pools(shop)["api"]) == {f"10.1.80.{n}:8080" for n in (10, 11, 12)}


def test_a_registration_comes_goes_and_changes_without_a_reload(shop: Lab) -> None:
    before = run(shop, PROXIES[0], "cat", "/run/haproxy/haproxy.pid")
    said = json.loads(run(shop, "hk-backend-3", "cat", REGISTER))
    run(shop, "hk-backend-3", "rm", REGISTER)
    assert eventually(lambda: weights(shop, "api") == [100, 100], 10)
    changed = json.dumps({**said, "weight": 40})
    run(shop, "hk-backend-3", "sh", "-c", f"echo '{changed}' > {REGISTER}")
    assert eventually(lambda: weights(shop, "api") == [40, 100, 100], 10)
    run(shop, "hk-backend-3", "sh", "-c", f"echo '{json.dumps(said)}' > {REGISTER}")
    assert eventually(lambda: weights(shop, "api") == [100, 100, 100], 10)
    assert run(shop, PROXIES[0], "cat", "/run/haproxy/haproxy.pid") == before


def test_the_hand_outlives_reloads_and_agents(shop: Lab) -> None:
    agent(shop, "hk-backend-1", "drain", "--reason", "a test")
    assert eventually(lambda: weights(shop, "api") == weights(shop, "web") == [0, 100, 100], 10)
    for proxy in PROXIES:
        shop.unit(proxy, "haproxy.service", "reload")
        shop.kill(proxy, AGENT)
    assert weights(shop, "api") == weights(shop, "web") == [0, 100, 100]
    agent(shop, "hk-backend-1", "ready")
    assert eventually(lambda: weights(shop, "api") == weights(shop, "web") == [100, 100, 100], 15)


def test_a_registration_that_is_no_good_changes_nothing(shop: Lab) -> None:
    before = pools(shop)
    bad = "/etc/trimtab/register.d/bad.json"
    run(shop, "hk-backend-2", "sh", "-c", f'echo \'{{"pool": "api", "port": 99999}}\' > {bad}')
    status = "/run/trimtab/agent/status.json"
    try:
        assert eventually(lambda: "99999" in run(shop, "hk-backend-2", "cat", status), 10)
        assert pools(shop) == before
    finally:
        run(shop, "hk-backend-2", "rm", bad)


def split(shop: Lab, *words: str) -> str:
    """What an operator does on a host of the estate."""
    argv = (
        "-m",
        "trimtab",
        "split",
        "www",
        *words,
        "--site",
        "hk",
        "-e",
        str(ROOT / "examples/shop/estate.yaml"),
    )
    return run(shop, "hk-registry-1", sys.executable, *argv)


def port(shop: Lab, *headers: str) -> str:
    """Which of the two versions answers a client of asia."""
    more = [word for header in headers for word in ("-H", header)]
    return fetch(shop, "clients-asia", "https://www.shop.example/", *more)["x-backend"].rpartition(":")[2]


def ports(shop: Lab, headers: list[str]) -> list[str]:
    """The same of many clients, one after the other."""
    asked = (
        "-s",
        "-m",
        "5",
        "-o",
        "/dev/null",
        "-w",
        "%header{x-backend}\\n",
        "--cacert",
        "/etc/trimtab/ca.pem",
    )
    each = [
        word for header in headers for word in ("--next", *asked, "-H", header, "https://www.shop.example/")
    ]
    return [line.rpartition(":")[2] for line in run(shop, "clients-asia", "curl", *each[1:]).splitlines()]


@pytest.mark.parametrize(
    ("way", "header"), [("header", "X-Canary: {}"), ("cookie", "Cookie: a=b; canary={}")]
)
def test_a_split_by_what_clients_send_is_the_same_each_time(shop: Lab, way: str, header: str) -> None:
    assert "www" in split(shop, "--canary", "30%", "--by", way)
    people = [f"user-{n}" for n in range(40)]
    try:
        assert eventually(lambda: port(shop, header.format("web-next")) == "8082", 5)
        assert port(shop, header.format("web")) == "8080"
        first = ports(shop, [header.format(who) for who in people])
        assert len(first) == 40 and 3 <= first.count("8082") <= 24, first  # 12 of 40 are asked for
        for proxy in PROXIES:
            shop.unit(proxy, "haproxy.service", "reload")
        assert ports(shop, [header.format(who) for who in people]) == first
    finally:
        assert "back" in split(shop, "--back")
    assert eventually(lambda: {port(shop) for _ in range(5)} == {"8080"}, 5)


def test_blue_green_and_back_in_an_instant(shop: Lab) -> None:
    split(shop, "web=0", "web-next=100", "--by", "percent")
    assert eventually(lambda: {port(shop) for _ in range(5)} == {"8082"}, 5)
    split(shop, "--back")
    assert eventually(lambda: {port(shop) for _ in range(5)} == {"8080"}, 5)


def test_a_wedged_daemon_is_restarted_and_one_that_was_stopped_is_not(shop: Lab) -> None:
    before = pid(shop, "hk-proxy-2", "bird.service")
    shop.kill("hk-proxy-2", "bird.service", "STOP")
    assert eventually(lambda: pid(shop, "hk-proxy-2", "bird.service") not in (None, before), 40)
    shop.wait_ready(40)
    shop.unit("hk-proxy-2", "bird.service", "stop")
    status = "/run/trimtab/agent/status.json"
    try:
        wanted = '"bird.service":"stopped"'
        assert eventually(lambda: wanted in run(shop, "hk-proxy-2", "cat", status).replace(" ", ""), 15)
        assert pid(shop, "hk-proxy-2", "bird.service") is None
    finally:
        shop.unit("hk-proxy-2", "bird.service", "start")
    shop.wait_ready(40)


def pid(shop: Lab, host: str, unit: str) -> int | None:
    (found,) = (h for h in shop.status()["hosts"] if h["name"] == host)
    return next((u["pid"] for u in found["units"] if u["unit"] == unit), None)
