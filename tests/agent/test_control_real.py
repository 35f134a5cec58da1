"""Real agents, a real etcd and a real HAProxy on this machine: what registers is served, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.agent.control_kit import paths

from trimtab import agent_config
from trimtab.agent_config import AgentFile, FrontFile, PoolFile, ProxyFile, RegistryAccess, SplitFile
from trimtab.errors import DriverError
from trimtab.registry.base import Write
from trimtab.registry.codec import encode
from trimtab.registry.engines import connect
from trimtab.registry.record import Override, Split, key_of

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(90)]

DEADLINE_S = 20.0
CONFIG = """\
global
    stats socket {folder}/admin.sock mode 600 level admin
    maxconn 200
defaults
    mode http
    option redispatch 1
    retries 3
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:{port}
    http-request set-var(txn.floor) str(api),map_str_int({folder}/floor.map,1)
    http-request set-var(txn.by) str(s/api+web),map({folder}/by.map,percent)
    http-request set-var(txn.bound) str(s/api+web/api),map_str_int({folder}/split.map,5000)
    http-response set-header X-Bound "%[var(txn.bound)]"
    default_backend api
{backends}
"""
BACKEND = """\
backend {name}
    default-server {options}
{servers}
"""
OPTIONS = "check inter 100ms fastinter 50ms fall 2 rise 1"


def eventually(holds: Callable[[], object], what: str) -> None:
    ends, last = time.monotonic() + DEADLINE_S, Exception()
    while time.monotonic() < ends:
        try:
            if holds():
                return
        except (OSError, KeyError, ValueError, http.client.HTTPException, DriverError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_S:g} s: {what}; {last!r}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def own_address() -> str:
    """An address of this machine that is no loopback: a registry takes no others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(sock.getsockname()[0])


class Member:
    """Answers with its own name."""

    def __init__(self, name: str, port: int = 0) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_: Any) -> None:
                return

        self.name = name
        self.server = ThreadingHTTPServer(("", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, own_address()
        self.client_port, self.peer_port, self.front_port = free_port(), free_port(), free_port()
        self.access = RegistryAccess("etcd", (f"http://127.0.0.1:{self.client_port}",), "/trimtab/test")
        self.members = [Member("one"), Member("two")]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        pool = PoolFile("api", "api", 3, True, OPTIONS, 0, "api--panic")
        pools, splits = (pool, PoolFile("web", "web", 3)), (SplitFile("s", "api+web", {"api": 1, "web": 1}),)
        self.proxy = ProxyFile(
            "haproxy", "haproxy.service", f"{folder}/admin.sock", str(folder), pools, splits,
            FrontFile(("198.51.100.9",), 1.0),
        )  # fmt: skip
        self.file_of("proxy", self.proxy)
        for member in self.members:
            self.file_of(member.name, None)
            self.register(member)

    # ---- what runs

    def start(self, name: str, *argv: str, **env: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **env})

    def stop(self, name: str, number: int = signal.SIGKILL) -> int:
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(DEADLINE_S)

    def start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self.client_port}", f"http://127.0.0.1:{self.peer_port}"
        words = f"""--name r --data-dir {self.folder}/etcd --logger zap --log-level error --heartbeat-interval 20
            --election-timeout 200 --listen-client-urls {client} --advertise-client-urls {client}
            --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster r={peer}"""
        self.start("etcd", shutil.which("etcd") or pytest.skip("no etcd"), *words.split())

    def start_haproxy(self) -> None:
        servers = "\n".join(f"    server m{i} 0.0.0.0:0 id {i} disabled" for i in (1, 2, 3))
        backends = [BACKEND.format(name=n, options=o, servers=servers) for n, o in
                    (("api", OPTIONS), ("api--panic", ""), ("web", ""))]  # fmt: skip
        for name in ("floor.map", "split.map", "by.map"):
            (self.folder / name).touch()
        text = CONFIG.format(folder=self.folder, port=self.front_port, backends="\n".join(backends))
        (self.folder / "haproxy.cfg").write_text(text)
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin") or pytest.skip("no haproxy")
        self.start("haproxy", program, "-db", "-f", str(self.folder / "haproxy.cfg"))

    def root(self, host: str) -> Path:
        return self.folder / host

    def told(self) -> Any:
        """What the checks of the proxy find, as the registry has it."""

        async def work() -> Any:
            registry = connect(self.access)
            try:
                return json.loads((await registry.read()).records["checks/proxy"])["named"]
            finally:
                await registry.close()

        return asyncio.run(work())

    def file_of(self, host: str, proxy: ProxyFile | None) -> None:
        place = (host, "site", "estate", self.address, free_port(), "systemd")
        file = AgentFile(*place, registry=self.access, proxy=proxy, discovers=("api",))
        path = paths(self.root(host)).file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(agent_config.dump(file))

    def start_agent(self, host: str, **env: str) -> None:
        self.start(host, sys.executable, "-m", "trimtab.agent", "--root", str(self.root(host)), **env)

    # ---- what is done and seen

    def register(self, member: Member, **more: Any) -> None:
        path = paths(self.root(member.name)).register / "api.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"pool": "api", "port": member.port, **more}))

    def put(self, record: Any) -> None:
        async def work() -> None:
            registry = connect(self.access)
            await registry.write(Write(put={key_of(record): encode(record)}))
            await registry.close()

        asyncio.run(work())

    def get(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.front_port}/", timeout=2) as reply:
            return str(reply.read().decode())

    def bound(self) -> str | None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.front_port}/", timeout=2) as reply:
            return str(reply.headers["X-Bound"])

    def served(self) -> set[str]:
        return {self.get() for _ in range(8)}

    def status(self, host: str = "proxy") -> Any:
        return json.loads(paths(self.root(host)).status.read_text())

    def up(self, **env: str) -> None:
        self.start_etcd()
        self.start_haproxy()
        for host in ("proxy", "one", "two"):
            self.start_agent(host, **env)
        eventually(lambda: self.served() == {"one", "two"}, "both are served")

    def close(self) -> None:
        for name in list(self.running):
            self.stop(name)
        for member in self.members:
            member.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path)
    try:
        yield found
    finally:
        found.close()


class Client:
    """Asks without a pause, and keeps what went wrong."""

    def __init__(self, stage: Stage) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self._stage, self._end = stage, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(0.01):
            try:
                self._stage.get()
                self.answers += 1
            except OSError as error:
                self.failures.append(repr(error))

    def end(self) -> list[str]:
        self._end.set()
        self._thread.join()
        assert self.answers
        return self.failures


def test_registered_served_drained_repaired_and_taken_out(stage: Stage) -> None:
    stage.up()
    client = Client(stage)
    stage.put(Override("api", "one", "drain"))
    eventually(lambda: stage.served() == {"two"}, "one is drained")
    stage.put(Override("api", "two", "maint", at=time.time()))
    eventually(lambda: stage.status()["pools"]["api"]["reasons"], "the last one may not go")
    assert stage.served() == {"two"}
    stage.put(Override("api", "one"))
    eventually(lambda: stage.served() == {"one"}, "two is in maintenance")
    stage.put(Override("api", "two"))
    eventually(lambda: stage.served() == {"one", "two"}, "both are back")
    stage.put(Split("s", "api+web", {"api": 3, "web": 1}))
    eventually(lambda: stage.bound() == "7500", "the split's share")
    (paths(stage.root("two")).register / "api.json").unlink()
    eventually(lambda: stage.served() == {"one"}, "two is deregistered")
    saved = json.loads(paths(stage.root("proxy")).members.read_text())
    assert list(saved["pools"]["api"].values()) == [
        {"address": f"{stage.address}:{stage.members[0].port}", "ready": True, "weight": 100}
    ]
    assert client.end() == []


def test_a_registry_that_dies_and_comes_back_empty_costs_no_request(stage: Stage) -> None:
    stage.up()
    stage.put(Override("api", "two", "drain"))
    eventually(lambda: stage.served() == {"one"}, "two is drained")
    client = Client(stage)
    stage.stop("etcd")
    eventually(lambda: stage.status()["registry"]["state"] == "away", "the agent knows")
    assert stage.served() == {"one"}
    shutil.rmtree(stage.folder / "etcd")
    stage.start_etcd()

    async def keys() -> set[str]:
        registry = connect(stage.access)
        try:
            return set((await registry.read()).records)
        finally:
            await registry.close()

    wanted = {f"{kind}/api/{name}" for kind in ("members", "alive") for name in ("one", "two")} | {
        "hand/api/two"
    }
    eventually(
        lambda: wanted <= asyncio.run(keys()), "everything is registered again, and the operator's word too"
    )
    eventually(lambda: stage.status()["registry"]["state"] == "following", "the agent follows again")
    assert stage.served() == {"one"}
    assert client.end() == []


def test_an_agent_that_was_killed_goes_on_where_it_was(stage: Stage) -> None:
    stage.up()
    stage.put(Override("api", "two", "maint"))
    eventually(lambda: stage.served() == {"one"}, "two is in maintenance")
    client = Client(stage)
    stage.stop("proxy")
    stage.stop("etcd")
    stage.start_agent("proxy")
    eventually(lambda: stage.status()["registry"]["state"] == "away", "it has begun without a registry")
    assert stage.served() == {"one"}
    assert client.end() == []
    stage.stop("haproxy")
    stage.start_haproxy()
    eventually(lambda: stage.served() == {"one"}, "an empty HAProxy is filled from what the disk has")
    stage.start_etcd()
    eventually(lambda: stage.status()["registry"]["state"] == "following", "the registry is back")
    stage.put(Override("api", "two"))
    eventually(lambda: stage.served() == {"one", "two"}, "and is obeyed")


def test_what_the_proxys_own_checks_find_is_told_though_the_member_says_that_it_is_well(stage: Stage) -> None:
    stage.up()
    eventually(lambda: stage.told() == [], "nobody is down")
    stage.members[0].close()
    eventually(lambda: stage.told() == ["api/one"], "its agent lives and says passing, HAProxy finds it down")
    stage.members[0] = Member("one", stage.members[0].port)
    eventually(lambda: stage.told() == [], "it is up again")


def test_the_end_is_quiet_and_leaves_everything_as_it_is(stage: Stage) -> None:
    stage.up()
    before = paths(stage.root("proxy")).members.read_bytes()
    for host in ("proxy", "one", "two"):
        assert stage.stop(host, signal.SIGTERM) == 0
    assert paths(stage.root("proxy")).members.read_bytes() == before
    assert stage.served() == {"one", "two"}
    log = (stage.folder / "proxy.log").read_text()
    assert "Traceback" not in log
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "ended"
