"""`answer` in a real HAProxy and a real nginx: a GET into a member that keeps silent is asked of another one, a POST is not."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(60)]
PORT, MEMBERS = 18563, 18584
POOL = "port: 8080, answer: 300ms,"
TIERS = "tiers: {{proxy: {{engine: {}, upstream_keepalive: 0, timeouts: {{server: 2s}}}}}}\nservices:"
Start = Callable[..., None]


class Member:
    """A host that takes every request; silent: it answers none, as one that lost its power after it had taken it."""

    def __init__(self, address: str, silent: bool) -> None:
        self.silent, self.asked = silent, []  # type: tuple[bool, list[str]]
        self._kept: list[socket.socket] = []
        self._socket = socket.create_server((address, MEMBERS))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (piece := link.recv(4096)):
            head += piece
        if not head:
            return link.close()
        self.asked.append(head.split(b" ", 1)[0].decode())
        if self.silent:
            self._kept.append(link)  # still open
            return None
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        return link.close()

    def close(self) -> None:
        self._socket.shutdown(
            socket.SHUT_RDWR
        )  # a thread waits in accept, and the port is taken as long as it does
        for each in [self._socket, *self._kept]:
            each.close()


@pytest.fixture
def members() -> Iterator[tuple[Member, Member]]:
    made = Member("127.0.2.10", silent=True), Member("127.0.2.11", silent=False)
    yield made
    for each in made:
        each.close()


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def run(*command: str) -> None:
            process = subprocess.Popen(command)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            ends = time.monotonic() + 10
            while True:
                with suppress(OSError), closing(socket.create_connection(("127.0.0.1", PORT), 1)):
                    return
                assert process.poll() is None and time.monotonic() < ends
                time.sleep(0.02)

        yield run


def rendered(engine: str, path: str) -> str:
    text = SMALL.replace("port: 8080,", POOL).replace("services:", TIERS.format(engine), 1)
    inventory = Inventory(read_estate(text, "real.yaml")[0])
    found = next(
        a.content for a in render_host(inventory, inventory.by_name["one-proxy-1"]) if a.path == path
    )
    return re.sub(r"10\.1\.\d+\.(\d+):8080", rf"127.0.2.\1:{MEMBERS}", found)


def haproxy(folder: Path) -> tuple[str, ...]:
    """The rendered pool behind a front without TLS; its checks would take the silent member out."""
    pools = re.sub(
        r" check inter.*| check\b.*(?= id)| track \S+", "", rendered("haproxy", "/etc/haproxy/pools.cfg")
    )
    pools = re.sub(r"(?m)^    (option httpchk|http-check|timeout check|default-server).*\n", "", pools)
    path = folder / "haproxy.cfg"
    path.write_text(
        "defaults\n    mode http\n    option redispatch 1\n    timeout client 5s\n    timeout server 2s\n"
        f"    timeout connect 1s\nfrontend f\n    bind 127.0.0.1:{PORT}\n    default_backend web\n{pools}"
    )
    return "haproxy", "-db", "-f", str(path)


def nginx(folder: Path) -> tuple[str, ...]:
    """The rendered file without TLS, its folders elsewhere."""
    (folder / "pools.conf").write_text(rendered("nginx", "/etc/nginx/pools.conf"))
    text = rendered("nginx", "/etc/nginx/nginx.conf")
    text = re.sub(r"(?m)^ *(ssl_|listen .*:80;|listen .*default_server|pid |worker_rlimit).*\n", "", text)
    text = re.sub(r"listen \S+:443 ssl http2;", f"listen 127.0.0.1:{PORT};", text, count=1)
    text = re.sub(r"(?m)^ *listen \S+:443 ssl http2;\n", "", text).replace(
        "127.0.0.1:8404", "127.0.0.1:18585"
    )
    text = text.replace("/run/nginx/pools.conf", str(folder / "pools.conf")).replace(
        "/var/cache/nginx", str(folder)
    )
    text = re.sub(r"worker_connections \d+", "worker_connections 500", text)
    path = folder / "nginx.conf"
    path.write_text(f"daemon off; user root; pid {folder}/pid;\n{text}")
    return "nginx", "-e", "stderr", "-c", str(path)


def ask(method: str) -> tuple[int, float]:
    """(status, 0 for none; seconds)."""
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)) as link:
        try:
            link.request(method, "/", headers={"Host": "www.small.example"})
            status = link.getresponse().status
        except OSError:
            status = 0
    return status, time.monotonic() - began


@pytest.mark.parametrize("command", [haproxy, nginx])
def test_what_a_silent_member_had_taken_is_asked_of_another(
    members: tuple[Member, Member], start: Start, tmp_path: Path, command: Callable[[Path], tuple[str, ...]]
) -> None:
    start(*command(tmp_path))
    silent, good = members
    found = [ask("GET") for _ in range(4)]
    assert [status for status, _ in found] == [200] * 4
    assert "GET" in silent.asked, "the silent one was asked too"
    assert good.asked.count("GET") == 4


@pytest.mark.parametrize("command", [haproxy, nginx])
def test_what_changes_something_is_never_asked_twice_and_has_its_time(
    members: tuple[Member, Member], start: Start, tmp_path: Path, command: Callable[[Path], tuple[str, ...]]
) -> None:
    start(*command(tmp_path))
    silent, good = members
    found = [ask("POST") for _ in range(2)]
    assert sorted(status for status, _ in found) == [200, 504]
    assert (silent.asked.count("POST"), good.asked.count("POST")) == (1, 1)
    assert max(seconds for _, seconds in found) > 1.5, "as long as `timeouts.server` says"
