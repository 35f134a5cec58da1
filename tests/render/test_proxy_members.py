"""proxy-members: what it makes of the rendered pools and a membership, and that a proxy always gets something to start with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate
from trimtab.render.base import fill
from trimtab.render.host import render_host

SHOP = Path(__file__).parents[2] / "examples/shop/estate.yaml"
ENTERPRISE = SHOP.parents[1] / "enterprise/estate.yaml"


def text() -> str:
    return fill("front/proxy-members.py.j2", members="/var/lib/trimtab/members.json", scale=10_000)


@pytest.fixture
def hook(tmp_path: Path) -> ModuleType:
    """The program as a module whose files lie in `tmp_path`."""
    module = ModuleType("proxy_members")
    exec(compile(text(), "proxy-members", "exec"), module.__dict__)
    module.MEMBERS = str(tmp_path / "members.json")
    module.FILES = {
        engine: (str(tmp_path / f"{engine}.rendered"), str(tmp_path / f"{engine}.made"))
        for engine in ("haproxy", "nginx")
    }
    return module


def rendered(path: Path, host: str, file: str) -> str:
    inventory = Inventory(load_estate(path))
    return next(a.content for a in render_host(inventory, inventory.by_name[host]) if a.path == file)


def membership(**parts: Any) -> dict[str, Any]:
    return {"pools": {}, "floors": {}, "splits": {}, **parts}


def test_without_a_membership_haproxy_reads_what_was_rendered(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    assert hook.haproxy_pools(pools, {}) == pools


def test_a_member_takes_the_place_of_its_number(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    made = hook.haproxy_pools(pools, membership(pools={"api": {3: ("10.1.80.12:8080", 80, True)}}))
    lines = [line for line in made.splitlines() if "10.1.80.12:8080" in line and " m3 " in line]
    assert (
        lines == ["    server m3 10.1.80.12:8080 id 3 weight 80 tcp-ut 300ms"] * 2
    )  # in the pool and its spare
    assert "    server m4 0.0.0.0:0 id 4 weight 100 tcp-ut 300ms disabled" in made


def test_members_beyond_the_places_get_lines_of_their_own(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    made = hook.haproxy_pools(pools, membership(pools={"api": {21: ("10.1.80.30:8080", 100, True)}}))
    assert made.count("    server m21 10.1.80.30:8080 id 21 weight 100 tcp-ut 300ms\n") == 2
    backend = made.split("backend api\n")[1].split("backend ")[0]
    assert "server m21" in backend


def test_the_hand_reaches_members_of_the_file(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    hands = {1: (None, 0, True), 2: (None, None, False)}
    made = hook.haproxy_pools(pools, membership(pools={"web": hands}))
    web = made.split("backend web\n")[1].split("\n\n")[0]
    assert "    server hk-backend-1 10.1.80.10:8080 id 1 weight 0 tcp-ut 300ms" in web
    assert "    server hk-backend-2 10.1.80.11:8080 id 2 weight 100 tcp-ut 300ms disabled" in web
    assert "    server hk-backend-3 10.1.80.12:8080 id 3 weight 100 tcp-ut 300ms\n" in web


def test_maps_have_floors_bounds_and_ways(hook: ModuleType) -> None:
    said = membership(floors={"api": 2}, splits={"www/web+web-next": ({"web": 95, "web-next": 5}, "cookie")})
    assert dict(hook.haproxy_maps(said)) == {
        "floor.map": ["api 2"],
        "by.map": ["www/web+web-next cookie"],
        "split.map": ["www/web+web-next/web 9500", "www/web+web-next/web-next 10000"],
    }


def test_nginx_gets_its_hands_and_keeps_its_checks(hook: ModuleType) -> None:
    pools = rendered(ENTERPRISE, "east-proxy-1", "/etc/nginx/pools.conf")
    made = hook.nginx_pools(pools, membership(pools={"api": {1: (None, 50, True), 2: (None, 0, True)}}))
    api = made.split("upstream api {")[1].split("}")[0]
    assert api.count("server ") == 2 and " weight=50; # 1" in api and "# 2" not in api
    assert hook.nginx_pools(pools, {}) == pools


NGINX = """upstream api {
    server unix:/run/nginx/nobody.sock max_fails=3 fail_timeout=3s; # 0
}
map $request_id $s_by { default percent; } # by www/a+b
split_clients $s_key $s_drawn { 100.00% a; * b; } # shares www/a+b
"""


def test_nginx_members_that_registered_and_shares(hook: ModuleType) -> None:
    said = membership(
        pools={
            "api": {1: ("10.0.0.1:80", 100, True), 2: ("10.0.0.2:80", 7, True), 3: ("10.0.0.3:80", 9, False)}
        },
        splits={"www/a+b": ({"a": 3, "b": 1}, "header")},
    )
    assert hook.nginx_pools(NGINX, said) == (
        "upstream api {\n"
        "    server 10.0.0.1:80 max_fails=3 fail_timeout=3s;\n"
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=3s weight=7;\n"
        "}\n"
        "map $request_id $s_by { default header; } # by www/a+b\n"
        "split_clients $s_key $s_drawn { 75.00% a; * b; } # shares www/a+b\n"
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 2}',
        '{"version": 1, "pools": {"api": {"1": {"address": "x; evil"}}}, "floors": {}, "splits": {}}',
        '{"version": 1, "pools": {}, "floors": {"api": "two"}, "splits": {}}',
        '{"version": 1, "pools": {}, "floors": {}, "splits": {"a/b": {"shares": {"b": 0}, "by": "percent"}}}',
        '{"version": 1, "pools": {}, "floors": {}, "splits": {"a/b": {"shares": {"b": 1}, "by": "}"}}}',
    ],
)
def test_a_membership_that_cannot_be_read_is_none(
    hook: ModuleType, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(hook.MEMBERS).write_text(content)
    assert hook.read_membership() == {}
    assert "is not used" in capsys.readouterr().err


def run(tmp_path: Path, command: str) -> subprocess.CompletedProcess[str]:
    """The program itself, with its files in `tmp_path`."""
    script = text().replace("/var/lib/trimtab/members.json", str(tmp_path / "members.json"))
    script = script.replace("/etc/haproxy/pools.cfg", str(tmp_path / "rendered"))
    script = script.replace("/run/haproxy/", f"{tmp_path}/").replace('"/run/haproxy', f'"{tmp_path}')
    path = tmp_path / "proxy-members"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, str(path), "haproxy", "/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_membership_that_the_daemon_refuses_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "rendered").write_text("backend api\n    server m1 0.0.0.0:0 id 1 disabled\n")
    said = {"version": 1, "pools": {"api": {"1": {"address": "10.0.0.1:80"}}}, "floors": {}, "splits": {}}
    (tmp_path / "members.json").write_text(json.dumps(said))
    refuses = f"if grep -q 10.0.0.1 {tmp_path}/pools.cfg; then echo no such thing; exit 1; fi"
    done = run(tmp_path, refuses)
    assert done.returncode == 0 and "no such thing" in done.stderr
    assert "0.0.0.0:0" in (tmp_path / "pools.cfg").read_text()


def test_what_is_wrong_with_the_rendered_file_itself_fails(tmp_path: Path) -> None:
    (tmp_path / "rendered").write_text("backend api\n")
    assert run(tmp_path, "exit 3").returncode == 3
