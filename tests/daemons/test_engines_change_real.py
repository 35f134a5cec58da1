"""What changes while requests are under way, on real daemons with rendered files: a reload; members that go and come back;
pools of more than a thousand.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemons.engines_kit import Place, estate, with_spare
from trimtab.agent_config import MEMBERS
from trimtab.delivery import systems
from trimtab.estate.platform import PLATFORMS, Platform

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
OWN = systems.own_platform()
MANY = 1200
on_each = pytest.mark.parametrize(
    "platform",
    [pytest.param(each, marks=[] if each == OWN else pytest.mark.full) for each in PLATFORMS],
)


@on_each
@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_a_reload_leaves_what_is_under_way_as_long_as_the_estate_says(
    tmp_path: Path, engine: str, platform: Platform
) -> None:
    place = Place(estate(engine, platform, drain="4s"), tmp_path, platform)
    found = place.run("changes.py", engine, "reload")
    log = found.pop("log")
    assert found == {
        "reloaded": True,
        "tunnel serves on": True,
        "upload": 400_000,
        "download": 3,
        "tunnel ends": True,
        "not before": True,
        "old workers end": True,
    }, log


@on_each
def test_who_came_to_a_spare_member_does_not_stay(tmp_path: Path, platform: Platform) -> None:
    found = Place(with_spare(platform), tmp_path, platform).run("changes.py", "haproxy", "spare")
    log = found.pop("log")
    assert found == {
        "meanwhile": ["10.1.81.10", "10.1.81.10"],
        "cookies of the spare": [],
        "back by table": [True, True],
        "who came meanwhile": True,
        "who had been there": True,
    }, log


@on_each
@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_the_last_member_is_not_lost_to_a_slow_page(tmp_path: Path, engine: str, platform: Platform) -> None:
    """nginx's exemption of an only server does not hold beside servers that are `down`."""
    found = Place(estate(engine, platform), tmp_path, platform).run("changes.py", engine, "last")
    log = found.pop("log")
    assert found == {"served": [200], "by": ["10.1.80.12"]}, log


def hook(place: Place, members: int) -> str:
    """What nginx's hook does with a membership of so many, and how many servers are read then."""
    pools = {
        "web": {str(n): {"address": f"10.9.{n // 200}.{n % 200 + 1}:8080"} for n in range(1, members + 1)}
    }
    (place.host / "etc/test/members.json").write_text(
        json.dumps({"version": 1, "pools": pools, "floors": {}, "splits": {}})
    )
    script = f"""
mkdir -p $(dirname {MEMBERS}) /run/nginx && cp /etc/test/members.json {MEMBERS}
/usr/local/lib/trimtab/proxy-members nginx /usr/sbin/nginx -e stderr -g 'user root;' -t -q -c /etc/nginx/nginx.conf
grep -c 'server 10.9.' /run/nginx/pools.conf
"""
    return place.shell(script)


@on_each
def test_more_than_a_thousand_members_that_registered(tmp_path: Path, platform: Platform) -> None:
    text = estate("nginx", platform).replace("hosts: backend, port: 8080", "discover: web, port: 8080")
    place = Place(text.replace("backend: 3}", "backend: 3, registry: 1}"), tmp_path, platform)
    assert hook(place, MANY).strip() == str(2 * MANY)
    assert 'no memory in upstream zone "web"' in hook(place, 30 * MANY), "what is refused names the pool"


@on_each
def test_more_than_a_thousand_members_of_the_file(tmp_path: Path, platform: Platform) -> None:
    members = ", ".join(f"{{address: 10.9.{n // 200}.{n % 200 + 1}, port: 8080}}" for n in range(MANY))
    text = estate("nginx", platform).replace("hosts: backend, port: 8080", f"members: [{members}]")
    assert hook(Place(text, tmp_path, platform), 0).strip() == str(2 * MANY)
