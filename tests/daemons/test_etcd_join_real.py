"""Rendered members whose disk was lost, on real etcd: they come back by themselves, under a new number, and only when that
is safe. A cluster of the registry (TLS, authentication) and one of an application (neither).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trimtab.agent_config import RegistryAccess
from trimtab.daemons import pki
from trimtab.daemons.etcd.config import JOIN_HOOK, clusters_of, ports_of, render, rendered_file
from trimtab.delivery import systems
from trimtab.delivery.throwaway import ThrowawayCa
from trimtab.estate.inventory import Host, Inventory
from trimtab.estate.load import read_estate
from trimtab.registry.etcd.auth import ensure_auth

pytestmark = pytest.mark.daemon
DEADLINE_S = 30.0
ESTATE = """\
estate: small
zone: small.example
groups: {db: {id: 1, roles: [store]}}
stores: {orders: {kind: etcd, hosts: db}}
sites:
  one:
    id: 1
    at: [22.3, 114.2]
    asn: 65010
    hosts: {router: 1, proxy: 2, backend: 2, db: 3, registry: 3}
    upstreams: {isp: {asn: 64500, peer: [198.51.100.1]}}
services: {www: {names: [www.small.example], routes: [{pool: web}]}}
pools: {web: {hosts: backend, port: 8080}}
"""
ROOT_WORD = "r" * 24


def until(what: str, holds: Callable[[], object]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {DEADLINE_S:g} s: {what}")


def free_ports() -> tuple[int, int]:
    """Free on every address of the loopback."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("", 0))
        two.bind(("", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])


@dataclass
class Member:
    """One rendered member on an address of the loopback. hook: etcd-join as this test has it."""

    host: Host
    address: str
    folder: Path
    rendered: Path
    hook: Path
    program: list[str]
    client: str
    tls: ssl.SSLContext | None
    token: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def used(self) -> Path:
        return self.folder / "used.yaml"

    def join(self, seconds: float = 20, break_at: str = "") -> subprocess.CompletedProcess[str]:
        """break_at: a piece of a line before which it is killed. Raises subprocess.TimeoutExpired while it waits."""
        hook = self.hook
        if break_at:
            text = self.hook.read_text()
            (line,) = [each for each in text.splitlines() if break_at in each]
            indent = line[: len(line) - len(line.lstrip())]
            hook = self.folder / "broken-hook"
            hook.write_text(text.replace(line, f"{indent}os._exit(9)\n{line}"))
        command = [sys.executable, "-ISE", str(hook), str(self.rendered), str(self.used)]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)

    def begin(self) -> str:
        """As the unit does; how the cluster was called."""
        ran = self.join()
        assert ran.returncode == 0, ran.stderr
        self.start()
        found = re.search(r"(?m)^initial-cluster-state: (\w+)$", self.used.read_text())
        assert found is not None
        return found[1]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [*self.program, "--config-file", str(self.used)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        shutil.rmtree(self.folder / "data")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        fields = {"Content-Type": "application/json", "Accept": "application/json"}
        fields |= {"Authorization": self.token} if self.token else {}
        request = urllib.request.Request(self.client + path, json.dumps(body).encode(), fields)
        with urllib.request.urlopen(request, timeout=5, context=self.tls) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.client}/health", timeout=3, context=self.tls) as answer:
                return json.loads(answer.read())["health"] == "true"
        except OSError:
            return False

    def members(self) -> dict[str, dict[str, Any]]:
        """By peer URL."""
        rows = self.post("/v3/cluster/member/list", {})["members"]
        return {row["peerURLs"][0]: row for row in rows}


@dataclass
class Group:
    members: list[Member]
    secured: bool
    user: RegistryAccess | None = None

    def begin(self) -> list[str]:
        states = [member.begin() for member in self.members]
        until("all are healthy", lambda: all(member.healthy() for member in self.members))
        return states

    def authenticate(self) -> None:
        if self.user is None:
            return
        asyncio.run(ensure_auth(self.user, ROOT_WORD))
        reply = self.members[0].post("/v3/auth/authenticate", {"name": "root", "password": ROOT_WORD})
        for member in self.members:
            member.token = reply["token"]

    def put(self, key: str, value: str) -> None:
        self.members[0].post("/v3/kv/put", {"key": _base64(key), "value": _base64(value)})


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _program(release: str) -> list[str]:
    """etcd of a release: it needs hardly any library, so the other one's runs here too."""
    if systems.release_of(systems.own_platform()) == release:
        return ["etcd"]
    return [str(systems.find(release, ["/usr/bin/etcd"]) / "usr/bin/etcd")]


def _group(folder: Path, cluster: str, release: str) -> Group:
    inventory = Inventory(read_estate(ESTATE, "estate.yaml")[0])
    hosts = [host for host in inventory.hosts if cluster in dict(clusters_of(inventory, host))]
    client, peer = free_ports()
    ports, ca, secured = ports_of(cluster), ThrowawayCa("test"), cluster == "registry"
    addresses = {host.v4: f"127.0.77.{n}" for n, host in enumerate(hosts, 1)}
    members = []
    for host in hosts:
        own = folder / host.name
        secret = own / "pki"
        secret.mkdir(parents=True)
        certificate, key = ca.issue((host.name,), (addresses[host.v4], "127.0.0.1"))
        for name, text in (("ca.crt", ca.pem), ("host.crt", certificate), ("host.key", key)):
            (secret / name).write_text(text)
        (secret / "registry-root.password").write_text(f"{ROOT_WORD}\n")
        (secret / "registry.password").write_text("u" * 24)
        files = {artifact.path: artifact.content for artifact in render(inventory, host)}
        text = files[rendered_file(cluster)]
        text = re.sub(r"(?m)^listen-metrics-urls.*\n", "", text)
        text = re.sub(r",https?://127.0.0.1:\d+", "", text)
        text = re.sub(r"(?m)^data-dir: .*$", f"data-dir: {own}/data", text)
        for old, new in addresses.items():
            text = text.replace(f"{old}:{ports.client}", f"{new}:{client}").replace(
                f"{old}:{ports.peer}", f"{new}:{peer}"
            )
        rendered, hook = own / "rendered.yaml", own / "etcd-join"
        rendered.write_text(text.replace(pki.FOLDER, str(secret)))
        hook.write_text(files[JOIN_HOOK].replace(pki.FOLDER, str(secret)))
        tls = ssl.create_default_context(cafile=secret / "ca.crt") if secured else None
        if tls:
            tls.load_cert_chain(secret / "host.crt", secret / "host.key")
        url = f"{'https' if secured else 'http'}://{addresses[host.v4]}:{client}"
        members.append(Member(host, addresses[host.v4], own, rendered, hook, _program(release), url, tls))
    files_of = members[0].folder / "pki"
    user = RegistryAccess(
        "etcd", (members[0].client,), "/trimtab/small", user=pki.USER,
        password=str(files_of / "registry.password"), ca=str(files_of / "ca.crt"),
        certificate=str(files_of / "host.crt"), key=str(files_of / "host.key"),
    )  # fmt: skip
    return Group(members, secured, user if secured else None)


OWN = systems.release_of(systems.own_platform())


def _cases(quick: tuple[str, ...]) -> list[Any]:
    """Both clusters of both releases. quick: which of this release's are no long tests."""
    return [
        pytest.param(
            (cluster, release),
            marks=[] if release == OWN and cluster in quick else pytest.mark.full,
            id=f"{cluster}-{release}",
        )
        for cluster in ("registry", "orders")
        for release in systems.RELEASES
    ]


both = pytest.mark.parametrize("group", _cases(("registry", "orders")), indirect=True)
one = pytest.mark.parametrize("group", _cases(("orders",)), indirect=True)


@pytest.fixture
def group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Group]:
    found = _group(tmp_path, *request.param)
    try:
        yield found
    finally:
        for member in found.members:
            member.stop()


@both
def test_a_member_with_an_empty_disk_comes_back_under_a_new_number(group: Group) -> None:
    assert group.begin() == ["new", "new", "new"]
    group.authenticate()
    group.put("order/1", "one")
    for lost in (group.members[2], group.members[1]):
        first = group.members[0]
        url = next(url for url, row in first.members().items() if row["name"] == lost.host.name)
        before = first.members()[url]["ID"]
        lost.stop()
        lost.wipe()
        assert lost.begin() == "existing"
        until("it is healthy again", lost.healthy)
        after = first.members()
        assert len(after) == 3
        assert after[url]["ID"] != before
        assert after[url]["name"] == lost.host.name
        assert not any(row.get("isLearner") for row in after.values())
        reply = lost.post("/v3/kv/range", {"key": _base64("order/1"), "serializable": True})
        assert reply["kvs"][0]["value"] == _base64("one")
        # two members begin anew one after the other: the first one's turn ends by itself
        group.members[0].post("/v3/kv/deleterange", {"key": _base64("trimtab/rejoin")})


BREAKS = (
    "self.lock()",
    "if row is not None:",
    "is added anew",
    "return self.written(members)",
    "put(used, content)",
    'os.rename(f"{path}.new", path)',
)


@one
def test_killed_anywhere_the_next_run_goes_on(group: Group) -> None:
    group.begin()
    group.authenticate()
    lost, first = group.members[2], group.members[0]
    for line in BREAKS:
        lost.stop()
        lost.wipe()
        assert lost.join(break_at=line).returncode == 9, line
        assert lost.begin() == "existing", line
        until(f"it is healthy again, killed at {line}", lost.healthy)
        rows = first.members()
        assert len(rows) == 3 and all(row.get("clientURLs") for row in rows.values()), line


@one
def test_nothing_is_changed_where_it_would_cost_the_majority_or_another_one_does_it(group: Group) -> None:
    group.begin()
    group.authenticate()
    first, second, lost = group.members
    before = first.members()
    lost.stop()
    lost.wipe()
    group.put("trimtab/rejoin", second.host.name)  # without a lease: it would never end
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        lost.join(seconds=3)
    assert f"{second.host.name} is being replaced at this moment" in _said(caught.value)
    assert first.members() == before
    first.post("/v3/kv/deleterange", {"key": _base64("trimtab/rejoin")})
    second.stop()
    with pytest.raises(subprocess.TimeoutExpired):
        lost.join(seconds=4)
    assert not lost.used.read_text().count("existing")
    second.start()
    until("the other two are well", lambda: first.healthy() and second.healthy())
    assert first.members() == before
    assert lost.begin() == "existing"
    until("it is healthy again", lost.healthy)


@one
def test_with_a_log_on_its_disk_nobody_is_asked(group: Group) -> None:
    group.begin()
    for member in group.members:
        member.stop()
    alone = group.members[0]
    assert alone.join(seconds=5).returncode == 0
    assert alone.used.read_text() == alone.rendered.read_text()


@both
def test_where_most_say_nothing_a_member_without_a_disk_waits(group: Group) -> None:
    """They may be a cluster that has begun: behind a cut path nobody refuses, and nobody answers."""
    lost = group.members[0]
    hole = socket.create_server(("127.0.77.9", 0), backlog=0)  # takes a connection and never says a word
    port = hole.getsockname()[1]
    text = lost.rendered.read_text()
    for other in group.members[1:]:
        text = re.sub(rf"{other.address}:\d+", f"127.0.77.9:{port}", text)
    lost.rendered.write_text(text)
    with hole, pytest.raises(subprocess.TimeoutExpired) as caught:
        lost.join(seconds=8)
    assert "whether the cluster has begun is not known" in _said(caught.value)
    assert not lost.used.exists()


def _said(expired: subprocess.TimeoutExpired) -> str:
    return expired.stderr.decode() if isinstance(expired.stderr, bytes) else str(expired.stderr)
