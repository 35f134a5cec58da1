"""proxy-members: what it makes of the rendered pools and a membership, and that a proxy always gets something to start with."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trimtab.daemons.nginx import config as nginx
from trimtab.daemons.rendered import render_host
from trimtab.daemons.template import fill
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import load_estate

SHOP = Path(__file__).parents[2] / "examples/shop/estate.yaml"
ENTERPRISE = SHOP.parents[1] / "enterprise/estate.yaml"


def text() -> str:
    return fill(
        "front/proxy-members.py.j2",
        members="/var/lib/trimtab/members.json",
        copy="/run/trimtab/members.json",
        scale=10_000,
    )


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
    server = "    server m3 10.1.80.12:8080 id 3 weight 80 tcp-ut"
    # in the pool, for bodies, and in panic
    own = "sni var(txn.once)"
    assert lines == [
        f"{server} 300ms {own}",
        f"{server} 10000ms track api/m3 {own}",
        f"{server} 10000ms {own}",
    ]
    assert "    server m4 0.0.0.0:0 id 4 weight 100 tcp-ut 300ms sni var(txn.once) disabled" in made


def test_members_beyond_the_places_get_lines_of_their_own(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    made = hook.haproxy_pools(pools, membership(pools={"api": {21: ("10.1.80.30:8080", 100, True)}}))
    server = "    server m21 10.1.80.30:8080 id 21 weight 100 tcp-ut"
    for each in ("300ms", "10000ms track api/m21", "10000ms"):
        assert made.count(f"{server} {each} sni var(txn.once)\n") == 1
    backend = made.split("backend api\n")[1].split("backend ")[0]
    assert "server m21" in backend


def test_the_hand_reaches_members_of_the_file(hook: ModuleType) -> None:
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    overrides = {1: (None, 0, True), 2: (None, None, False)}
    made = hook.haproxy_pools(pools, membership(pools={"web": overrides}))
    web = made.split("backend web\n")[1].split("\n\n")[0]
    assert "    server hk-backend-1 10.1.80.10:8080 id 1 weight 0 tcp-ut 300ms sni var(txn.once)" in web
    assert (
        "    server hk-backend-2 10.1.80.11:8080 id 2 weight 100 tcp-ut 300ms sni var(txn.once) disabled"
        in web
    )
    assert "    server hk-backend-3 10.1.80.12:8080 id 3 weight 100 tcp-ut 300ms sni var(txn.once)\n" in web


def test_maps_have_floors_bounds_and_ways(hook: ModuleType) -> None:
    said = membership(floors={"api": 2}, splits={"www/web+web-next": ({"web": 95, "web-next": 5}, "cookie")})
    assert dict(hook.haproxy_maps(said)) == {
        "floor.map": ["api 2"],
        "by.map": ["www/web+web-next cookie"],
        "split.map": ["www/web+web-next/web 9500", "www/web+web-next/web-next 10000"],
    }


def test_an_old_membership_moves_no_server_that_the_file_has(hook: ModuleType) -> None:
    stale = membership(
        pools={"web": {1: ("10.9.9.9:1", 7, False), 2: (None, 7, True)}, "api": {3: (None, 7, True)}}
    )
    pools = rendered(SHOP, "hk-proxy-1", "/etc/haproxy/pools.cfg")
    made = hook.haproxy_pools(pools, stale)
    assert "10.9.9.9" not in made
    assert (
        made.count("    server hk-backend-1 10.1.80.10:8080 id 1 weight 100 tcp-ut 300ms sni var(txn.once)\n")
        == 1
    )
    assert (
        len(re.findall(r"    server hk-backend-2 10.1.80.11:8080 id 2 weight 7 tcp-ut 10000ms.*\n", made))
        == 2
    )
    assert (
        made.count(
            "    server m3 0.0.0.0:0 id 3 weight 100 tcp-ut 10000ms track api/m3 sni var(txn.once) disabled\n"
        )
        == 1
    )
    east = rendered(ENTERPRISE, "east-proxy-1", "/etc/nginx/pools.conf")
    assert hook.nginx_pools(east, membership(pools={"api": {1: ("10.9.9.9:1", 7, False)}})) == east


def test_nginx_gets_its_hands_and_keeps_its_checks(hook: ModuleType) -> None:
    pools = rendered(ENTERPRISE, "east-proxy-1", "/etc/nginx/pools.conf")
    made = hook.nginx_pools(pools, membership(pools={"api": {1: (None, 50, True), 2: (None, 0, True)}}))
    api = made.split("upstream api {")[1].split("}")[0]
    assert " weight=50; # 1" in api and " weight=1 down; # 2" in api
    assert hook.nginx_pools(pools, {}) == pools
    assert (
        hook.nginx_pools(made, membership(pools={"api": {1: (None, 100, True), 2: (None, 100, True)}}))
        == pools
    )


NGINX = """upstream api {
    server unix:/run/nginx/nobody.sock max_fails=3 fail_timeout=3s weight=100 down; # 0
    server 10.0.0.9:80 max_fails=3 fail_timeout=3s weight=100 backup; # 1001
}
map $request_id $s_by { default percent; } # by www/a+b
split_clients $s_key $s_drawn { 100.00% a; * b; } # shares www/a+b
map $s_asked $s { a a; default $s_drawn; } # named www/a+b
"""


def test_nginx_members_that_registered_and_shares(hook: ModuleType) -> None:
    said = membership(
        pools={
            "api": {
                1: ("10.0.0.1:80", 100, True),
                2: ("10.0.0.2:80", 7, True),
                3: ("10.0.0.3:80", 9, False),
                4: ("10.0.0.4:80", 0, True),
                1001: (None, 50, True),
            }
        },
        splits={"www/a+b": ({"a": 3, "b": 1}, "header")},
    )
    assert hook.nginx_pools(NGINX, said) == (
        "upstream api {\n"
        "    server 10.0.0.1:80 max_fails=3 fail_timeout=3s weight=100;\n"
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=3s weight=7;\n"
        "    server 10.0.0.3:80 max_fails=3 fail_timeout=3s weight=9 down;\n"
        "    server 10.0.0.4:80 max_fails=3 fail_timeout=3s weight=1 down;\n"
        "    server 10.0.0.9:80 max_fails=3 fail_timeout=3s weight=50 backup; # 1001\n"
        "}\n"
        "map $request_id $s_by { default header; } # by www/a+b\n"
        "split_clients $s_key $s_drawn { 75.00% a; * b; } # shares www/a+b\n"
        "map $s_asked $s { \\\\a a; \\\\b b; default $s_drawn; } # named www/a+b\n"
    )


def test_who_has_no_share_any_more_is_not_to_be_had_by_name(hook: ModuleType) -> None:
    made = hook.nginx_pools(NGINX, membership(splits={"www/a+b": ({"a": 0, "b": 1}, "header")}))
    assert "split_clients $s_key $s_drawn { * b; } #" in made
    assert "map $s_asked $s { \\\\b b; default $s_drawn; } #" in made


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ({"a": 1, "b": 1, "c": 1}, "33.33% a; 33.34% b; * c;"),
        ({"a": 1, "b": 99_999}, "* b;"),
        ({"a": 99_999, "b": 1}, "* a;"),
        ({"a": 0, "b": 1, "c": 0}, "* b;"),
        (dict.fromkeys("abcdef", 1), "16.67% a; 16.66% b; 16.67% c; 16.67% d; 16.66% e; * f;"),
    ],
)
def test_the_hook_and_the_rendered_file_divide_alike(
    hook: ModuleType, shares: dict[str, int], text: str
) -> None:
    """nginx refuses 0.00%, and more than 100% together."""
    assert hook.nginx_shares(hook.hundredths(shares)) == text
    assert nginx._shares(nginx._hundredths(shares)) == text
    assert sum(each for _, each in nginx._hundredths(shares)) == 10_000


BAD = [
    "",
    "[]",
    '{"version": 2}',
    '{"version": 1, "pools": [], "floors": {}, "splits": {}}',
    '{"version": 1, "pools": {}, "floors": {"api": "two"}, "splits": {}}',
    '{"version": 1, "pools": {}, "floors": {}, "splits": {"a/b": {"shares": {"b": 0}, "by": "percent"}}}',
    '{"version": 1, "pools": {}, "floors": {}, "splits": {"a/b": {"shares": {"b": 1}, "by": "}"}}}',
]


@pytest.mark.parametrize(
    "member",
    [
        {"address": "x; evil"},
        {"address": "10.0.0.1:0"},
        {"address": "10.0.0:80"},
        {"weight": 257},
        {"weight": "x"},
        [],
    ],
)
def test_a_pool_that_cannot_be_read_costs_no_other(
    hook: ModuleType, capsys: pytest.CaptureFixture[str], member: Any
) -> None:
    fine = {"1": {"address": "10.0.0.1:80"}}
    said = membership(version=1, pools={"api": {**fine, "2": member}, "web": fine})
    found, bad = hook.parse("members.json", json.dumps(said).encode())
    assert found["pools"] == {"web": {1: ("10.0.0.1:80", None, True)}} and bad == {"api"}
    assert "pool api is not used" in capsys.readouterr().err


RENDERED = """# of the host

backend api
    balance roundrobin
    server m1 0.0.0.0:0 id 1 weight 100 disabled

# The same members, none of them checked.
backend api--panic
    server m1 0.0.0.0:0 id 1 weight 100 disabled

backend web
    server m1 0.0.0.0:0 id 1 weight 100 disabled

backend web--panic
    server m1 0.0.0.0:0 id 1 weight 100 disabled
"""


class Host:
    """The program itself, with its files in a folder. refuses: a pattern that COMMAND does not take."""

    def __init__(self, folder: Path) -> None:
        self.members, self.rendered, self.run = folder / "members.json", folder / "rendered", folder / "run"
        self.used, self.copy = self.run / "members.used", folder / "copy.json"
        self.run.mkdir()
        self.rendered.write_text(RENDERED)
        script = text().replace("/var/lib/trimtab/members.json", str(self.members))
        script = script.replace("/run/trimtab/members.json", str(self.copy))
        script = script.replace("/etc/haproxy/pools.cfg", str(self.rendered))
        self._path = folder / "proxy-members"
        self._path.write_text(script.replace("/run/haproxy/", f"{self.run}/"))

    def say(self, **pools: str) -> None:
        """api="1": its m1 is 10.0.0.1."""
        said = {pool: {"1": {"address": f"10.0.0.{end}:80"}} for pool, end in pools.items()}
        splits = {"www/api+web": {"shares": {"api": len(pools), "web": 1}, "by": "percent"}}
        self.members.write_text(json.dumps(membership(version=1, pools=said, splits=splits)))

    def start(self, refuses: str = "nothing") -> subprocess.CompletedProcess[str]:
        """Or a reload, if it has run before."""
        command = f"if grep -q '{refuses}' {self.run}/pools.cfg; then echo no such thing; exit 3; fi"
        return subprocess.run(
            [sys.executable, str(self._path), "haproxy", "/bin/sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.run.iterdir() if path != self.used}

    def digest(self) -> str:
        return hashlib.sha256(self.members.read_bytes()).hexdigest()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_start_with_a_membership(host: Host) -> None:
    host.say(api="1")
    assert host.start().returncode == 0
    found = host.files()
    assert found["pools.cfg"].count("server m1 10.0.0.1:80") == 2
    assert set(found) == {"pools.cfg", "by.map", "split.map", "floor.map"}, "nothing is left over"
    assert host.used.read_text() == host.digest()


def test_a_start_without_one_has_the_rendered_pools(host: Host) -> None:
    assert host.start().returncode == 0
    assert host.files()["pools.cfg"] == RENDERED and host.used.read_text() == ""


@pytest.mark.parametrize("content", BAD)
def test_a_start_with_a_bad_one_too(host: Host, content: str) -> None:
    host.members.write_text(content)
    done = host.start()
    assert done.returncode == 0 and "is not used" in done.stderr
    assert host.files()["pools.cfg"] == RENDERED and host.used.read_text() == ""


def test_a_start_with_one_that_the_daemon_refuses_too(host: Host) -> None:
    host.say(api="1")
    done = host.start(refuses="10.0.0.1")
    assert done.returncode == 0 and "no such thing" in done.stderr
    assert host.files()["pools.cfg"] == RENDERED and host.used.read_text() == ""


@pytest.mark.parametrize("content", BAD)
def test_a_reload_with_a_bad_one_keeps_what_serves(host: Host, content: str) -> None:
    host.say(api="1")
    host.start()
    before = host.files()
    host.members.write_text(content)
    host.rendered.write_text(RENDERED.replace("roundrobin", "first"))
    for _ in range(2):
        assert host.start().returncode == 0
        assert host.files() == before, "the maps too"
        assert host.used.read_text() == ""


def test_a_reload_with_one_that_the_daemon_refuses_keeps_it_too(host: Host) -> None:
    host.say(api="1")
    host.start()
    before = host.files()
    host.say(api="2", web="2")
    done = host.start(refuses="10.0.0.2")
    assert done.returncode == 0 and "no such thing" in done.stderr
    assert host.files() == before and host.used.read_text() == ""
    assert host.start().returncode == 0
    assert "10.0.0.2" in host.files()["pools.cfg"] and host.used.read_text() == host.digest()


def test_a_reload_that_is_refused_whatever_is_read_fails_and_changes_nothing(host: Host) -> None:
    host.say(api="1")
    host.start()
    before, used = host.files(), host.used.read_text()
    host.say(api="2")
    assert host.start(refuses="10.0.0").returncode == 3
    assert host.files() == before
    assert host.used.read_text() == used, "of what the old worker has"


def test_a_membership_that_is_lost_empties_no_pool(host: Host) -> None:
    host.say(api="1")
    host.start()
    before = host.files()
    host.members.unlink()
    for _ in range(2):
        assert host.start().returncode == 0 and host.files() == before


def test_without_any_agent_a_reload_has_what_was_rendered_anew(host: Host) -> None:
    host.start()
    changed = RENDERED.replace("roundrobin", "first")
    host.rendered.write_text(changed)
    assert host.start().returncode == 0 and host.files()["pools.cfg"] == changed
    host.rendered.write_text("backend refused\n")
    assert host.start(refuses="refused").returncode == 3
    assert host.files()["pools.cfg"] == changed


def test_of_a_bad_pool_the_reload_keeps_what_serves(host: Host) -> None:
    host.say(api="1", web="1")
    host.start()
    host.say(api="x", web="2")
    done = host.start()
    assert done.returncode == 0 and "pool api is not used" in done.stderr
    made = host.files()["pools.cfg"]
    assert made.count("server m1 10.0.0.1:80") == 2 and made.count("server m1 10.0.0.2:80") == 2
    assert made.split("backend web\n")[0].count("10.0.0.1") == 2
    assert made.count("backend ") == 4 and made.endswith("\n")


@pytest.mark.parametrize("content", [None, *BAD])
def test_a_reload_takes_the_copy_where_the_membership_is_spoilt_before_any_other_reload(
    host: Host, content: str | None
) -> None:
    assert host.start().returncode == 0, "at boot nobody is known"
    host.say(api="1")
    host.copy.write_text(host.members.read_text())
    host.members.unlink()
    if content is not None:
        host.members.write_text(content)
    assert host.start().returncode == 0
    assert host.files()["pools.cfg"].count("server m1 10.0.0.1:80") == 2
    assert host.used.read_text() == hashlib.sha256(host.copy.read_bytes()).hexdigest()


def test_of_a_bad_pool_the_copy_is_taken(host: Host) -> None:
    host.start()
    host.say(api="1", web="1")
    host.copy.write_text(host.members.read_text())
    host.say(api="x", web="2")
    assert host.start().returncode == 0
    made = host.files()["pools.cfg"]
    assert made.count("server m1 10.0.0.1:80") == 2 and made.count("server m1 10.0.0.2:80") == 2


@pytest.mark.parametrize("copy", BAD)
def test_a_bad_copy_is_as_good_as_none(host: Host, copy: str) -> None:
    host.copy.write_text(copy)
    host.say(api="1")
    host.start()
    before = host.files()
    assert before["pools.cfg"].count("10.0.0.1:80") == 2
    host.members.write_text("")
    assert host.start().returncode == 0 and host.files() == before


def test_a_run_that_was_killed_before_the_judgement_is_undone(host: Host) -> None:
    host.say(api="1")
    host.start()
    before = host.files()
    for name, content in before.items():
        (host.run / f"{name}.old").write_text(content)
        (host.run / name).write_text("never judged")
    host.members.write_text("")
    assert host.start().returncode == 0 and host.files() == before


def test_what_is_wrong_with_the_rendered_file_itself_fails(host: Host) -> None:
    done = host.start(refuses="backend")
    assert done.returncode == 3 and "no such thing" in done.stderr
    assert host.files() == {}
