"""`across` in two real HAProxies, one a site: with no member left here the other site's serve, and a request never comes back."""

from __future__ import annotations

import csv
import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trimtab.daemons.rendered import render_host
from trimtab.delivery.throwaway import ThrowawayCa
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(180)]
WEB, API = 18611, 18612
PUBLIC, DOOR, PEERS = 18613, 18614, 18615
NAME = "www.small.example"
CHECK = "across: nearest, check: {get: /health, every: 500ms, fast: 200ms, fall: 2, rise: 1}"
ESTATE = f"""\
estate: small
zone: small.example
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {{router: 1, proxy: 1, backend: 2}}
    upstreams: {{isp: {{asn: 64500, peer: [198.51.100.1]}}}}
  two:
    id: 2
    at: [1.35, 103.8]
    asn: 65020
    hosts: {{router: 1, proxy: 1, backend: 2}}
    upstreams: {{isp: {{asn: 64501, peer: [198.51.100.9]}}}}
links: [{{between: [one, two], rtt: 1ms}}]
tiers: {{proxy: {{maxconn: 500}}}}
services:
  www:
    names: [{NAME}]
    routes: [{{path: /api/, pool: api}}, {{pool: web}}]
pools:
  web: {{hosts: backend, port: {WEB}, {CHECK}}}
  api: {{hosts: backend, port: {API}, sticky: {{by: table}}, {CHECK}}}
"""


class Answer(BaseHTTPRequestHandler):
    """Says who was asked and what came with the question."""

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        ill = site.ill and self.path == "/health"
        if self.path != "/health":
            site.asked += 1
        self.send_response(503 if ill else 200)
        self.end_headers()
        address, port = self.connection.getsockname()
        self.wfile.write(json.dumps([address, port, self.headers.items()]).encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Site:
    """One site: its members and its proxy, as rendered, on the loopback. ill: its members fail every check."""

    def __init__(self, number: int, ca: ThrowawayCa, folder: Path) -> None:
        self.number, self.folder, self.ill, self.asked = number, folder, False, 0
        self.name = ("one", "two")[number - 1]
        self.hosts = [f"127.{number}.80.{n}" for n in (10, 11)]
        self._members = [self._member(host, port) for host in self.hosts for port in (WEB, API)]
        self._write(ca)
        self._proxy = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")])

    def _member(self, host: str, port: int) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer((host, port), Answer)
        server.site = self  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def _write(self, ca: ThrowawayCa) -> None:
        for name in ("pki", "tls"):
            (self.folder / name).mkdir(parents=True)
        certificate, key = ca.issue((f"{self.name}-proxy-1",), ("127.0.0.1",))
        pki = {"ca.crt": ca.pem, "host.crt": certificate, "host.key": key}
        for name, text in pki.items():
            (self.folder / "pki" / name).write_text(text)
        (self.folder / "tls/www.pem").write_text("".join(ca.issue((NAME,))))
        (self.folder / "floor.map").write_text("")
        inventory = Inventory(read_estate(ESTATE, "across.yaml")[0])
        found = {
            a.path: a.content
            for a in render_host(inventory, inventory.by_name[f"{self.name}-proxy-1"])
            if a.path.startswith("/etc/haproxy/")
        }
        text = found["/etc/haproxy/haproxy.cfg"] + found["/etc/haproxy/pools.cfg"]
        (self.folder / "haproxy.cfg").write_text(self._moved(text))
        (self.folder / "crt-list1.txt").write_text(self._moved(found["/etc/haproxy/crt-list1.txt"]))

    def _moved(self, text: str) -> str:
        """To the loopback, the folder and ports above 1024; the other site's public address stays away."""
        text = re.sub(rf"(?m)^    bind 198\.18\.{3 - self.number}\..*\n", "", text)
        text = text.replace("    log /dev/log local0 info\n", "")
        text = re.sub(r"(?m)^    bind 127.0.0.1:8404", f"    bind {self.folder}/health.sock", text)
        text = re.sub(r"\b10\.([12])\.", r"127.\1.", text)
        text = re.sub(r"\b198\.18\.", "127.18.", text)
        for port, moved in ((443, PUBLIC), (80, PUBLIC + 10), (8443, DOOR), (8406, PEERS)):
            text = re.sub(rf"(127\.[\d.]+):{port}\b", rf"\1:{moved}", text)
        for place in ("/run/haproxy", "/etc/haproxy", "/etc/trimtab"):
            text = text.replace(place, str(self.folder))
        return text

    def kill_members(self) -> None:
        for server in self._members:
            server.shutdown()
            server.server_close()
        self._members = []

    def rows(self) -> list[dict[str, str]]:
        """Of HAProxy's `show stat`; none while it does not answer."""
        with closing(socket.socket(socket.AF_UNIX)) as link:
            link.settimeout(5)
            try:
                link.connect(f"{self.folder}/admin.sock")
                link.sendall(b"show stat\n")
                reply = b"".join(iter(lambda: link.recv(65536), b""))
            except OSError:
                assert self._proxy.poll() is None
                return []
        return list(csv.DictReader(reply.decode().removeprefix("# ").splitlines()))

    def all(self, backend: str, state: str) -> bool:
        """Has a check found every server of the backend `UP`, or `DOWN`?"""
        rows = [row for row in self.rows() if row["pxname"] == backend and row["type"] == "2"]
        good = [row for row in rows if row["status"].startswith(state)]
        return (
            bool(rows)
            and good == rows
            and (state == "DOWN" or all("L7OK" in row["check_status"] for row in rows))
        )

    def end(self) -> None:
        self.kill_members()
        self._proxy.kill()
        self._proxy.wait()


class Client:
    """Asks over TLS and trusts the estate's CA. certificate: of a host, for the door between sites."""

    def __init__(self, ca: ThrowawayCa, host: Site | None = None) -> None:
        self._context = ssl.create_default_context(cadata=ca.pem)
        if host is not None:
            self._context.load_cert_chain(host.folder / "pki/host.crt", host.folder / "pki/host.key")

    def ask(
        self, address: str, port: int, path: str, name: str = NAME, method: str = "GET", source: str = "127.0.1.1",
        **headers: str,
    ) -> tuple[int, Any]:  # fmt: skip
        """(status, what the member says). Raises OSError."""
        link = socket.create_connection((address, port), 10, source_address=(source, 0))
        with closing(self._context.wrap_socket(link, server_hostname=name)) as secured:
            connection = http.client.HTTPConnection(name)
            connection.sock = secured
            sent = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, path, headers=sent)
            reply = connection.getresponse()
            body = reply.read()
        return reply.status, json.loads(body) if reply.status == 200 and body.startswith(
            b"["
        ) else body.decode()

    def public(self, site: Site, path: str = "/", **more: str) -> tuple[int, Any]:
        return self.ask(f"127.18.{site.number}.10", PUBLIC, path, **more)

    def door(self, site: Site, path: str = "/", **more: str) -> tuple[int, Any]:
        return self.ask(f"127.{site.number}.48.10", DOOR, path, f"{site.name}-proxy-1", **more)


def values(headers: list[list[str]], name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    ends = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < ends:
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def ca() -> ThrowawayCa:
    return ThrowawayCa("small")


@pytest.fixture
def sites(ca: ThrowawayCa, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    with ExitStack() as stack:
        found = []
        for number, name in enumerate(("one", "two"), 1):
            found.append(Site(number, ca, tmp_path / name))
            stack.callback(found[-1].end)
        # what does not answer yet is found down by the first checks, and up again by later ones
        for backend in ("web", "web--across", "api", "api--across"):
            assert eventually(lambda b=backend: all(site.all(b, "UP") for site in found)), backend  # type: ignore[misc]
        yield found[0], found[1]


def test_the_other_sites_members_serve_when_none_is_left(sites: tuple[Site, Site], ca: ThrowawayCa) -> None:
    one, two = sites
    client = Client(ca)
    status, (host, port, headers) = client.public(one, X_Trimtab_Pool="api")
    assert values(headers, "x-trimtab-pool") == []
    assert (status, host in one.hosts, port) == (200, True, WEB), (
        "a client's word on the pool counts for nothing"
    )
    one.kill_members()
    assert eventually(lambda: one.all("web", "DOWN") and one.all("api", "DOWN"))
    found = [client.public(one, source=f"127.0.1.{n}") for n in range(1, 21)]
    assert [status for status, _ in found] == [200] * 20
    assert {(host, port) for _, (host, port, _) in found} == {(host, WEB) for host in two.hosts}
    for n, (_, (_, _, headers)) in enumerate(found, 1):
        assert values(headers, "x-forwarded-for") == [f"127.0.1.{n}"]
        assert values(headers, "x-trimtab-pool") == []
    status, (_, port, headers) = client.public(one, X_Trimtab_Pool="api", X_Forwarded_For="192.0.2.9")
    assert (status, port) == (200, WEB)
    assert values(headers, "x-forwarded-for") == ["127.0.1.1"]
    before = two.asked
    assert client.public(one, method="POST")[0] == 200 and two.asked == before + 1


def test_a_client_keeps_its_member_at_the_other_site(sites: tuple[Site, Site], ca: ThrowawayCa) -> None:
    one, two = sites
    client = Client(ca)
    one.kill_members()
    assert eventually(lambda: one.all("api", "DOWN"))
    clients = [f"127.0.1.{n}" for n in range(1, 9)]
    first = {each: client.public(one, "/api/", source=each)[1][0] for each in clients}
    assert set(first.values()) == set(two.hosts), "they are many clients, not one proxy"
    assert {each: client.public(one, "/api/", source=each)[1][0] for each in clients} == first


def test_with_nobody_left_anywhere_the_answer_is_no_and_no_request_goes_round(
    sites: tuple[Site, Site], ca: ThrowawayCa
) -> None:
    for site in sites:
        site.kill_members()
    assert eventually(lambda: all(site.all("web--across", "DOWN") for site in sites))
    assert [Client(ca).public(site)[0] for site in sites] == [503, 503]
    ways = [
        row for site in sites for row in site.rows() if (row["pxname"], row["type"]) == ("web--across", "1")
    ]
    assert [row["stot"] for row in ways] == ["0", "0"]


def test_where_every_check_fails_everywhere_each_site_uses_its_own(
    sites: tuple[Site, Site], ca: ThrowawayCa
) -> None:
    for site in sites:
        site.ill = True
    assert eventually(
        lambda: all(site.all("web", "DOWN") and site.all("web--across", "DOWN") for site in sites)
    )
    for site in sites:
        status, (host, _, _) = Client(ca).public(site)
        assert (status, host in site.hosts) == (200, True)


def test_the_door_answers_from_this_site_alone(sites: tuple[Site, Site], ca: ThrowawayCa) -> None:
    one, two = sites
    proxy = Client(ca, one)
    assert proxy.door(two, "/pools/web") == (200, "ok")
    assert (
        proxy.door(two, "/pools/db")[0]
        == proxy.door(two, X_Trimtab_Pool="db")[0]
        == proxy.door(two)[0]
        == 421
    )
    status, (host, port, _) = proxy.door(two, "/pools/db", X_Trimtab_Pool="api", X_Forwarded_For="192.0.2.9")
    assert (status, host in two.hosts, port) == (200, True, API), (
        "a path of the application like that of the check"
    )
    two.kill_members()
    assert eventually(lambda: two.all("web", "DOWN"))
    assert proxy.door(two, "/pools/web")[0] == 503
    before = one.asked
    assert proxy.door(two, X_Trimtab_Pool="web", X_Forwarded_For="192.0.2.9")[0] == 503
    assert one.asked == before, "one's members are well, and were not asked"


def test_the_door_is_for_hosts_of_the_estate(
    sites: tuple[Site, Site], ca: ThrowawayCa, tmp_path: Path
) -> None:
    _, two = sites
    with pytest.raises(ssl.SSLError, match="certificate required"):
        Client(ca).door(two, "/pools/web")
    strange = ThrowawayCa("small").issue(("one-proxy-1",), ("127.0.0.1",))
    service = ca.issue((NAME,))
    for certificate, key in (strange, service):
        (tmp_path / "pki").mkdir(exist_ok=True)
        (tmp_path / "pki/host.crt").write_text(certificate)
        (tmp_path / "pki/host.key").write_text(key)
        stranger = Client(ca)
        stranger._context.load_cert_chain(tmp_path / "pki/host.crt", tmp_path / "pki/host.key")
        with pytest.raises(ssl.SSLError, match="alert"):
            stranger.door(two, "/pools/web")
    assert two.asked == 0
