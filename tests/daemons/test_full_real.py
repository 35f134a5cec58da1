"""A proxy whose public listeners are full, rendered and real: one limit over all of them, health answers, and front-watch
tells it from one that hangs.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.delivery.throwaway import ThrowawayCa
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]
PLAIN, SECURED, HEALTH, MEMBER = 18631, 18632, 18633, 18634
MOST = 100  # the least that `maxconn` takes
VIPS = ("127.18.1.10", "127.18.1.11")
NAMES = {VIPS[0]: "www.small.example", VIPS[1]: "two.small.example"}
OWN = "127.77.0.1"  # a host of the estate
TIERS = "tiers: {{proxy: {{engine: {}, maxconn: 100, upstream_keepalive: 0}}}}\nservices:"
TWO = "services:\n  two: {names: [two.small.example], vip: 2, routes: [{pool: web}]}"
GET = "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE


class Proxy:
    """One that runs the rendered files, moved to the loopback. Its member takes requests and answers none."""

    def __init__(self, engine: str, folder: Path, stack: ExitStack) -> None:
        self.engine, self.folder, self._stack = engine, folder, stack
        text = SMALL.replace("services:", TIERS.format(engine), 1).replace("services:", TWO, 1)
        inventory = Inventory(read_estate(text, "full.yaml")[0])
        host = inventory.by_name["one-proxy-1"]
        self.files = {a.path: a.content for a in render_host(inventory, host)}
        for name in NAMES.values():
            certificate, key = ThrowawayCa("tests").issue((name,))
            service = name.split(".")[0]
            for suffix, content in ((".pem", certificate + key), (".crt", certificate), (".key", key)):
                (folder / f"{service}{suffix}").write_text(content)
        self._member = socket.create_server(("127.0.0.1", MEMBER), backlog=1000)
        stack.callback(self._member.close)
        (folder / "floor.map").write_text("")

    def moved(self, text: str) -> str:
        text = re.sub(r"\b198\.18\.", "127.18.", text)
        text = re.sub(r"\b10\.1\.\d+\.\d+:8080", f"127.0.0.1:{MEMBER}", text)
        text = text.replace("10.0.0.0/8", "127.77.0.0/16").replace("127.0.0.1:8404", f"127.0.0.1:{HEALTH}")
        text = re.sub(r"(127\.18[\d.]+):80\b", rf"\1:{PLAIN}", text)
        text = re.sub(r"(127\.18[\d.]+):443\b", rf"\1:{SECURED}", text)
        text = re.sub(r"(?m)^.*(log /dev/log|2001:db8).*\n", "", text)
        # a busy test machine is not what this is about
        text = re.sub(r"(timeout (?:http-request|client)|client_header_timeout) \d+m?s", r"\1 90s", text)
        for place in ("/run/haproxy", "/etc/haproxy", "/etc/trimtab/tls", "/var/cache/nginx"):
            text = text.replace(place, str(self.folder))
        return text

    def start(self, alter: Callable[[str], str] = lambda text: text) -> None:
        command = self._haproxy() if self.engine == "haproxy" else self._nginx(alter)
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._stack.callback(self.process.wait)
        self._stack.callback(self.process.terminate)
        assert eventually(lambda: self.health() == "200")

    def _haproxy(self) -> list[str]:
        for name in ("crt-list1.txt", "crt-list2.txt"):
            (self.folder / name).write_text(self.moved(self.files[f"/etc/haproxy/{name}"]))
        text = self.files["/etc/haproxy/haproxy.cfg"] + self.files["/etc/haproxy/pools.cfg"]
        path = self.folder / "haproxy.cfg"
        path.write_text(re.sub(r" check\b[^\n]*(?= id)| check inter.*| track \S+", "", self.moved(text)))
        return ["haproxy", "-db", "-f", str(path)]

    def _nginx(self, alter: Callable[[str], str]) -> list[str]:
        (self.folder / "pools.conf").write_text(self.moved(self.files["/etc/nginx/pools.conf"]))
        text = self.moved(self.files["/etc/nginx/nginx.conf"])
        text = text.replace("/run/nginx/pools.conf", str(self.folder / "pools.conf"))
        text = text.replace("/run/nginx.pid", str(self.folder / "nginx.pid"))
        path = self.folder / "nginx.conf"
        path.write_text(f"daemon off; user root;\n{alter(text)}")
        return ["nginx", "-e", "stderr", "-c", str(path)]

    def health(self) -> str:
        """The status; "" for none."""
        with suppress(OSError, IndexError), closing(connect("127.0.0.1", HEALTH)) as link:
            link.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return link.recv(64).split(b" ", 2)[1].decode()
        return ""


def connect(address: str, port: int, source: str = "127.0.0.1") -> socket.socket:
    link = socket.create_connection((address, port), 2, source_address=(source, 0))
    link.settimeout(2)
    return link


def secured(address: str, source: str = "127.0.0.1") -> ssl.SSLSocket:
    return CONTEXT.wrap_socket(connect(address, SECURED, source), server_hostname=NAMES[address])


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def stands(link: socket.socket) -> bool:
    """Has nobody closed it?"""
    link.setblocking(False)
    try:
        return link.recv(1000) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


def fill(many: int) -> list[socket.socket]:
    """Clients of all public listeners in turn, TCP and TLS, who ask nothing."""
    found: list[socket.socket] = []
    for turn in range(many):
        with suppress(OSError):
            address = VIPS[turn % 2]
            kind = turn // 2 % 3
            found.append(secured(address) if kind == 2 else connect(address, (PLAIN, SECURED)[kind]))
    return found


def under_way() -> int:
    """Connections to the member, as proc(5) has them in /proc/net/tcp: one a request."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{MEMBER:04X}") and row[3] == "01" for row in rows)


def answer(link: socket.socket, address: str) -> str:
    """The status of a request; "" for none."""
    with suppress(OSError, IndexError):
        link.sendall(GET.format(NAMES[address]).encode())
        return link.recv(64).split(b" ", 2)[1].decode()
    return ""


def redirected(address: str, source: str = "127.0.0.1") -> bool:
    with suppress(OSError), closing(connect(address, PLAIN, source)) as link:
        return answer(link, address) == "301"
    return False


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def test_haproxy_has_one_limit_over_all_public_listeners(stack: ExitStack, tmp_path: Path) -> None:
    proxy = Proxy("haproxy", tmp_path, stack)
    proxy.start()
    links = fill(MOST + 60)
    for link in links:
        stack.callback(link.close)
    assert eventually(lambda: sum(map(stands, links)) == MOST)
    assert proxy.health() == "200"
    assert not any(redirected(vip) for vip in VIPS), "no place is left on any of them"
    assert all(redirected(vip, OWN) for vip in VIPS), "who observes has one"
    kept = [link for link in links if stands(link)]
    for link in kept[:3]:
        link.close()
    assert eventually(lambda: redirected(VIPS[0]) and redirected(VIPS[1])), "a free place is served"
    assert all(stands(link) for link in kept[3:] if link.getpeername()[1] == PLAIN)


def test_hosts_of_the_estate_do_not_take_the_places_of_health(stack: ExitStack, tmp_path: Path) -> None:
    proxy = Proxy("haproxy", tmp_path, stack)
    proxy.start()
    links = []
    for _ in range(MOST + 260):
        with suppress(OSError):
            links.append(connect(VIPS[0], PLAIN, OWN))
            stack.callback(links[-1].close)
    assert eventually(lambda: sum(map(stands, links)) == MOST + 100)
    assert proxy.health() == "200"


def test_nginx_has_one_limit_on_what_is_under_way(stack: ExitStack, tmp_path: Path) -> None:
    proxy = Proxy("nginx", tmp_path, stack)
    proxy.start()
    idle = fill(60)  # they take no place
    links = [secured(VIPS[turn % 2]) for turn in range(MOST)]
    for turn, link in enumerate(links):
        link.sendall(GET.format(NAMES[VIPS[turn % 2]]).encode())
    for link in (*idle, *links):
        stack.callback(link.close)
    # a question that comes before them would take the place of one, and give it back
    assert eventually(lambda: under_way() == MOST)

    def told(source: str = "127.0.0.1") -> list[str]:
        found = []
        for vip in VIPS:
            with closing(secured(vip, source)) as link:
                link.settimeout(0.3)
                found.append(answer(link, vip))
        return found

    assert eventually(lambda: told() == ["503", "503"])
    assert told(OWN) == ["", ""], "who observes is let through, to the member, which is silent"
    assert proxy.health() == "200"
    assert all(map(stands, links))
    links[0].close()
    links[1].close()
    assert eventually(lambda: told() == ["", ""]), "a free place"


def watch(proxy: Proxy, folder: Path, stack: ExitStack) -> Callable[[], list[str]]:
    """The rendered front-watch; what it has told `front` so far."""
    log, state = folder / "front.log", folder / "process"
    log.touch()
    state.write_text("0")
    hook = folder / "front"
    hook.write_text(f'#!/bin/sh\necho "$*" >> {log}\n')
    hook.chmod(0o755)
    text = proxy.files["/usr/local/lib/trimtab/front-watch"]
    for old, new in (
        ("PORT = 8404", f"PORT = {HEALTH}"), ("/usr/local/lib/trimtab/front", str(hook)),
        ("/run/trimtab/front/process", str(state)), ("/run/haproxy", str(folder)), ("/run/nginx.pid", f"{folder}/nginx.pid"),
    ):  # fmt: skip
        text = text.replace(old, new)
    (folder / "front-watch").write_text(text)
    process = subprocess.Popen([sys.executable, "-ISE", str(folder / "front-watch")])
    stack.callback(process.wait)
    stack.callback(process.kill)

    def told() -> list[str]:
        return [line for line in log.read_text().splitlines() if line != "sync"]

    assert eventually(lambda: "set ready up" in told(), 60)
    return told


def test_a_full_nginx_is_not_taken_for_one_that_hangs(stack: ExitStack, tmp_path: Path) -> None:
    """Clients that have begun a request are not among those whom nginx closes when it has no connection left."""
    proxy = Proxy("nginx", tmp_path, stack)
    proxy.start(lambda text: re.sub(r"worker_connections \d+", "worker_connections 60", text))
    told = watch(proxy, tmp_path, stack)
    began: list[socket.socket] = []
    stack.callback(lambda: [link.close() for link in began])

    def full() -> bool:
        for turn in range(20):
            with suppress(OSError):
                began.append(connect(VIPS[turn % 2], PLAIN))
                began[-1].sendall(b"GET / HT")
        return proxy.health() == ""

    assert eventually(full)
    ends = time.monotonic() + 3
    while time.monotonic() < ends:  # three of its questions take 0.6 s
        full()
        time.sleep(0.05)
    assert "set health down" not in told()[told().index("set ready up") :]


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_one_that_hangs_gives_its_addresses_away(stack: ExitStack, tmp_path: Path, engine: str) -> None:
    proxy = Proxy(engine, tmp_path, stack)
    proxy.start()
    told = watch(proxy, tmp_path, stack)
    pids = [proxy.process.pid]
    with suppress(OSError):
        pids += map(int, Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split())
    subprocess.run(["kill", "-STOP", *map(str, pids)], check=True)
    stack.callback(lambda: subprocess.run(["kill", "-CONT", *map(str, pids)], check=False))
    assert eventually(lambda: told()[-1] == "set health down")
