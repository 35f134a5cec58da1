"""Stickiness as it is rendered, in two real HAProxies of a site: a client finds its member again at the other proxy."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(60)]
PROXIES = ("one-proxy-1", "one-proxy-2")
PANIC = "/panic"  # led to the second backend of the pool
FRONT = "127.0.0.{}:18443"
CLIENTS = [f"127.0.1.{n}" for n in range(1, 9)]


class Named(BaseHTTPRequestHandler):
    """Answers with the address on which it was asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.connection.getsockname()[0].encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def members() -> Iterator[None]:
    """One server that answers on every loopback address at the pool's port."""
    server = ThreadingHTTPServer(("0.0.0.0", 18080), Named)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def configuration(sticky: str, proxy: str, folder: Path) -> str:
    """The rendered files, moved to the loopback; without TLS, which has its own tests."""
    text = SMALL.replace("check: {get: /health}", f"sticky: {sticky}").replace("port: 8080", "port: 18080")
    inventory = Inventory(read_estate(text, "sticky.yaml")[0])
    files = {a.path: a.content for a in render_host(inventory, inventory.by_name[proxy])}
    found = files["/etc/haproxy/haproxy.cfg"].partition("\nfrontend plain")[0] + "\n"
    found = re.sub(r"(?m)^    maxconn \d+$", "    maxconn 500", found)
    found = found.replace("    bind 127.0.0.1:8404", f"    bind {folder}/health.sock")
    found = re.sub(r"/run/haproxy", str(folder), found).replace("    log /dev/log local0 info\n", "")
    front = FRONT.format(10 + PROXIES.index(proxy))
    found += f"frontend vip\n    bind {front}\n    use_backend web--panic if {{ path {PANIC} }}\n    default_backend web\n\n"
    found += "peers" + files["/etc/haproxy/haproxy.cfg"].partition("\npeers")[2] if "table" in sticky else ""
    found += files["/etc/haproxy/pools.cfg"]
    return re.sub(r"10\.1\.(48|80)\.(\d+)", r"127.0.\1.\2", found)


class Proxy:
    def __init__(self, sticky: str, name: str, folder: Path) -> None:
        folder.mkdir()
        self.address, _, port = FRONT.format(10 + PROXIES.index(name)).partition(":")
        self.port = int(port)
        path = folder / "haproxy.cfg"
        path.write_text(configuration(sticky, name, folder))
        self._process = subprocess.Popen(["haproxy", "-db", "-f", str(path)], stderr=subprocess.PIPE)

    def get(self, client: str, cookie: str = "", path: str = "/") -> tuple[str, str]:
        """(who answered, the cookie that was set)."""
        link = http.client.HTTPConnection(self.address, self.port, timeout=2, source_address=(client, 0))
        with closing(link):
            link.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            reply = link.getresponse()
            return reply.read().decode(), (reply.getheader("Set-Cookie") or "").partition(";")[0]

    def answers(self) -> bool:
        try:
            return bool(self.get(CLIENTS[0])[0])
        except (OSError, http.client.HTTPException):
            assert self._process.poll() is None, self._process.stderr and self._process.stderr.read().decode()
            return False

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def pair(request: pytest.FixtureRequest, tmp_path: Path, members: None) -> Iterator[tuple[Proxy, Proxy]]:
    with ExitStack() as stack:
        found = []
        for name in PROXIES:
            found.append(Proxy(request.param, name, tmp_path / name))
            stack.callback(found[-1].end)
        assert eventually(lambda: all(proxy.answers() for proxy in found))
        yield found[0], found[1]


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    ends = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < ends:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("pair", ["{by: table, expire: 10m}"], indirect=True)
def test_the_table_is_shared_by_the_proxies(pair: tuple[Proxy, Proxy]) -> None:
    first, second = pair
    at_first = {client: first.get(client)[0] for client in CLIENTS}
    assert len(set(at_first.values())) == 2, "both members serve"
    assert eventually(lambda: {client: second.get(client)[0] for client in CLIENTS} == at_first)
    assert {client: second.get(client, path=PANIC)[0] for client in CLIENTS} == at_first, "in panic too"
    first.end()  # its proxy is lost, the session is not
    assert {client: second.get(client)[0] for client in CLIENTS} == at_first


@pytest.mark.parametrize("pair", ["{by: cookie, name: sid}"], indirect=True)
def test_the_cookie_means_the_same_at_both_proxies(pair: tuple[Proxy, Proxy]) -> None:
    first, second = pair
    for _ in range(6):
        member, cookie = first.get(CLIENTS[0])
        assert cookie.startswith("sid=")
        assert all(second.get(CLIENTS[0], cookie)[0] == member for _ in range(4))
        assert all(second.get(CLIENTS[0], cookie, PANIC)[0] == member for _ in range(4)), "in panic too"
    assert len({first.get(CLIENTS[0])[0] for _ in range(6)}) == 2, "without a cookie both are chosen"
