"""What is rendered, in a real nginx and a real HAProxy: spare members serve, and a split goes where it has shares."""

from __future__ import annotations

import http.client
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.daemons.template import fill
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(60)]
PORT = 18543
SPARE = SMALL.replace("backend: 2", "backend: 2, spare: 1, registry: 1").replace(
    "services:", "groups: {spare: {id: 3, roles: [backend]}}\ntiers: {proxy: {engine: nginx}}\nservices:"
)
SPLIT = SMALL.replace("routes: [{pool: web}]", "routes: [{split: {web: 1, web-next: 1}, by: header}]") + (
    "  web-next: {hosts: backend, port: 8081}\n"
)
Start = Callable[..., None]


def file(text: str, name: str) -> str:
    inventory = Inventory(read_estate(text, "real.yaml")[0])
    return next(a.content for a in render_host(inventory, inventory.by_name["one-proxy-1"]) if a.path == name)


@pytest.fixture
def hook() -> ModuleType:
    module = ModuleType("proxy_members")
    text = fill("front/proxy-members.py.j2", members="none", copy="none", scale=10_000)
    exec(compile(text, "proxy-members", "exec"), module.__dict__)
    return module


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a daemon until the test ends, and waits until it answers."""
    with ExitStack() as stack:

        def run(*command: str) -> None:
            process = subprocess.Popen(command)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            ends = time.monotonic() + 10
            while True:
                try:
                    return void(get())
                except OSError:
                    assert process.poll() is None and time.monotonic() < ends
                    time.sleep(0.02)

        yield run


def void(_: object) -> None:
    """Nothing."""


def get(headers: dict[str, str] | None = None) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)) as link:
        link.request("GET", "/", headers=headers or {})
        return link.getresponse().read().decode()


def nginx(folder: Path, pools: str, answer: str) -> tuple[str, ...]:
    """The pools as a daemon that tells who answers; members are on the loopback at the pool's port."""
    found = re.sub(r"10\.1\.\d+\.(\d+):8080", r"127.0.2.\1:18580", pools)
    names = sorted(set(re.findall(r"127\.0\.2\.\d+:18580", found)))
    others = "".join(
        f"server {{ listen {name}; return 200 'spare {'backup' in line}'; }}"
        for name in names
        for line in found.splitlines()
        if name in line and ("down" not in line)
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr crit;\nevents {{}}\nhttp {{ access_log off;\n"
        f"{found}\n{others}\nserver {{ listen 127.0.0.1:{PORT}; location / {{ {answer} }} }} }}\n"
    )
    return "nginx", "-e", "stderr", "-c", str(path)


def overrides(**members: Any) -> dict[str, Any]:
    return {"pools": {"web": {int(key[1:]): value for key, value in members.items()}}}


@pytest.mark.parametrize("off", [(None, 0, True), (None, 100, False)], ids=["drained", "in-maintenance"])
def test_the_spare_serve_when_nobody_else_may(
    hook: ModuleType, start: Start, tmp_path: Path, off: tuple[None, int, bool]
) -> None:
    pools = file(SPARE.replace("port: 8080,", "port: 8080, backup: spare,"), "/etc/nginx/pools.conf")
    made = hook.nginx_pools(pools, overrides(n1=off, n2=off))
    start(*nginx(tmp_path, made, "proxy_pass http://web;"))
    assert {get() for _ in range(6)} == {"spare True"}


def test_the_spare_serve_before_anybody_has_registered(start: Start, tmp_path: Path) -> None:
    text = SPARE.replace("hosts: backend, port: 8080,", "discover: web, port: 8080, backup: spare,")
    start(*nginx(tmp_path, file(text, "/etc/nginx/pools.conf"), "proxy_pass http://web;"))
    assert {get() for _ in range(6)} == {"spare True"}


def test_under_a_hash_they_are_equals(tmp_path: Path) -> None:
    text = SPARE.replace("port: 8080,", "port: 8080, backup: spare, balance: source,")
    pools = file(text, "/etc/nginx/pools.conf")
    assert pools.count("weight=100; #") == 2 * 3 and "backup" not in pools
    subprocess.run([*nginx(tmp_path, pools, "proxy_pass http://web;"), "-t", "-q"], check=True)


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ({"web": 1, "web-next": 1}, ("web", "web-next")),
        ({"web": 1, "web-next": 0}, ("web", "web")),
        ({"web": 0, "web-next": 1}, ("web-next", "web-next")),
        ({"web": 99_999, "web-next": 1}, ("web", "web")),
    ],
)
@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_a_name_asks_for_a_pool_while_it_has_a_share(
    hook: ModuleType,
    start: Start,
    tmp_path: Path,
    engine: str,
    shares: dict[str, int],
    found: tuple[str, str],
) -> None:
    said = {"splits": {"www/web+web-next": (shares, "header")}}
    if engine == "nginx":
        text = SPLIT.replace("services:", "tiers: {proxy: {engine: nginx}}\nservices:")
        made = hook.nginx_pools(file(text, "/etc/nginx/pools.conf"), said)
        made = re.sub(r"(?s)upstream .*?\n\}\n", "", made)
        start(*nginx(tmp_path, made, 'return 200 "$s_www_web_web__next";'))
    else:
        start("haproxy", "-db", "-f", str(split_in_haproxy(hook, said, tmp_path)))
    assert (get({"X-Canary": "web"}), get({"X-Canary": "web-next"})) == found


@pytest.mark.parametrize("pool", ["include", "hostnames", "volatile", "test"])
def test_a_pool_may_be_called_like_a_word_of_nginx(
    hook: ModuleType, start: Start, tmp_path: Path, pool: str
) -> None:
    text = SPLIT.replace("web-next", pool).replace("services:", "tiers: {proxy: {engine: nginx}}\nservices:")
    made = hook.nginx_pools(file(text, "/etc/nginx/pools.conf"), {})
    made = re.sub(r"(?s)upstream .*?\n\}\n", "", made)
    variable = "s_www_" + "_".join(sorted(("web", pool)))
    start(*nginx(tmp_path, made, f'return 200 "${variable}";'))
    assert (get({"X-Canary": "web"}), get({"X-Canary": pool})) == ("web", pool)


def split_in_haproxy(hook: ModuleType, said: dict[str, Any], folder: Path) -> Path:
    """The lines of the split, behind a front without TLS that tells the pool."""
    for name, lines in hook.haproxy_maps(said):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    text = file(SPLIT, "/etc/haproxy/haproxy.cfg").partition("str(www-0)")[2]
    lines = re.findall(r"(?m)^    http-request set-var\(txn\.(?:by|draw|asked|before|bound|pool)\).*", text)
    path = folder / "haproxy.cfg"
    path.write_text(
        "defaults\n    mode http\n    timeout client 2s\n    timeout server 2s\n    timeout connect 2s\n"
        f"frontend f\n    bind 127.0.0.1:{PORT}\n    http-request set-var(txn.route) str(www-0)\n"
        + "\n".join(lines).replace("/run/haproxy", str(folder))
        + '\n    http-request return status 200 content-type text/plain lf-string "%[var(txn.pool)]"\n'
    )
    return path
