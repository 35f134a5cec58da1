"""A real HAProxy, real members behind it: what is said over its socket changes who serves."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trimtab.agent_config import PoolFile
from trimtab.daemons.haproxy import client, wire
from trimtab.daemons.haproxy.client import Runtime
from trimtab.daemons.haproxy.members import WantServer, difference, seen
from trimtab.daemons.haproxy.wire import Outcome
from trimtab.errors import BadInput, DriverError, InvalidResponse, Refused, Unreachable

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(60)]

CONFIG = """\
global
    stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
    hard-stop-after 5s
    maxconn 200
defaults
    mode http
    option redispatch 1
    retries 2
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend front
    bind 127.0.0.1:{port}
    use_backend %[path,map({folder}/pools.map,api)]
backend api
    balance roundrobin
    option httpchk GET /health
    default-server check inter 100ms fastinter 50ms fall 2 rise 1
{slots}
backend api--patient
    balance roundrobin
    option httpchk GET /health
{followers}
backend api--panic
    balance roundrobin
{slots}
"""
SLOTS = 3
POOL = PoolFile(
    "api",
    registry="api",
    slots=SLOTS,
    spare="api--panic",
    patient="api--patient",
    options="check inter 100ms fastinter 50ms fall 2 rise 1",
)
SPARE = "/panic"  # what the map sends to the second backend
PATIENT = "/patient"  # to the third


class Member:
    """An HTTP server that answers with its own name. ill: its check fails; `/slow` ends when `go` is set."""

    def __init__(self, name: str) -> None:
        member, self.name, self.ill, self.go, self.slow = (
            self,
            name,
            False,
            threading.Event(),
            threading.Event(),
        )

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/slow":
                    member.slow.set()
                    member.go.wait(10)
                body = member.name.encode()
                self.send_response(503 if member.ill and self.path == "/health" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: object) -> None:
                pass  # HAProxy resets what its checks have read

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def end(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


class Proxy:
    """A HAProxy, and who serves through it. It has no master: one that has just begun loses the signal to reload."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "pools.map").write_text(f"{SPARE} api--panic\n{PATIENT} api--patient\n")
        slots = "\n".join(
            f"    server m{n} 0.0.0.0:0 id {n} tcp-ut 300ms disabled" for n in range(1, SLOTS + 1)
        )
        followers = re.sub(r"id (\d+)(.*)", r"id \1 track api/m\1\2", slots)
        self.config = folder / "haproxy.cfg"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port, slots=slots, followers=followers))
        self.map = f"{folder}/pools.map"
        self.runtime = Runtime(folder / "admin.sock", timeout=3)
        self.log = (folder / "log").open("wb")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self, *arguments: str) -> None:
        argv = ["/usr/sbin/haproxy", "-db", "-f", str(self.config), *arguments]
        self.processes.append(subprocess.Popen(argv, stdout=self.log, stderr=self.log))
        eventually(lambda: self.pid() == self.processes[-1].pid, "HAProxy")

    def pid(self) -> int:
        """Of who answers; 0 for nobody."""
        try:
            info = asyncio.run(self.runtime.info())
        except DriverError:
            return 0
        return 0 if info.stopping else info.pid

    def reload(self) -> None:
        """Another process takes over the sockets, as the new worker of a master does."""
        self.start("-x", f"{self.folder}/admin.sock", "-sf", str(self.pid()))

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()

    def get(self, path: str = "/") -> str:
        """Who answers a request on a connection of its own, or the status of an error."""
        peer = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            peer.request("GET", path)
            reply = peer.getresponse()
            return reply.read().decode() if reply.status == 200 else str(reply.status)
        finally:
            peer.close()

    def who(self, path: str = "/", times: int = 12) -> dict[str, int]:
        return dict(Counter(self.get(path) for _ in range(times)))

    def apply(self, want: list[WantServer], pool: PoolFile = POOL) -> tuple[Outcome, ...]:
        """One pass: read, compare, send."""

        async def once() -> tuple[Outcome, ...]:
            have = seen(await self.runtime.servers(None))
            return await self.runtime.run(difference(want, have, pool))

        return asyncio.run(once())

    def settle(self, want: list[WantServer]) -> None:
        """A pass that does everything, after which there is nothing to do. A deletion may need another one, while
        HAProxy closes its own idle connections."""
        outcomes = self.apply(want)
        assert {each.verdict for each in outcomes} <= {"done", "later"}
        late = [each.command for each in outcomes if each.verdict == "later"]
        assert all(command.line.startswith("del server ") for command in late)
        if late:
            eventually(lambda: not self.apply(want), f"{late} and nothing more")
        assert self.apply(want) == ()

    def names(self, backend: str = "api") -> list[str]:
        return [each.name for each in asyncio.run(self.runtime.servers(backend))]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(condition: Callable[[], object], what: str, limit: float = 10) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit} s"
        time.sleep(0.01)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    found = Proxy(tmp_path)
    yield found
    found.end()


@pytest.fixture
def crew() -> Iterator[dict[str, Member]]:
    found = {name: Member(name) for name in "abcde"}
    yield found
    for member in found.values():
        member.end()


Workload = dict[str, Member]


def want(crew: Workload, **ids: int) -> list[WantServer]:
    return [WantServer(number, crew[name].address) for name, number in ids.items()]


def test_slots_and_dynamic_servers_serve_in_every_backend(proxy: Proxy, crew: Workload) -> None:
    assert proxy.get() == "503"
    proxy.settle(want(crew, a=1, b=3, c=7))
    assert proxy.who() == proxy.who(SPARE) == proxy.who(PATIENT) == {"a": 4, "b": 4, "c": 4}
    assert (
        proxy.names() == proxy.names("api--panic") == proxy.names("api--patient") == ["m1", "m2", "m3", "m7"]
    )


def test_who_follows_a_server_knows_what_its_check_says(proxy: Proxy, crew: Workload) -> None:
    """m1 is the file's and followed; m7 was added, and is checked itself."""
    proxy.settle(want(crew, a=1, b=7, c=2))
    crew["a"].ill = crew["b"].ill = True
    eventually(lambda: proxy.who(PATIENT) == {"c": 12}, "the checks")
    crew["a"].ill = crew["b"].ill = False
    eventually(lambda: proxy.who(PATIENT) == {"a": 4, "b": 4, "c": 4}, "their return")


def test_who_follows_a_server_drains_and_comes_back_with_it(proxy: Proxy, crew: Workload) -> None:
    a, b = want(crew, a=1, b=2)
    proxy.settle([a, b])
    proxy.settle([WantServer(1, a.address, ready=False), b])
    assert proxy.who(PATIENT) == {"b": 12}
    proxy.settle([a, b])
    assert proxy.who(PATIENT) == {"a": 6, "b": 6}


def test_a_dynamic_server_is_checked_and_its_spare_is_not(proxy: Proxy, crew: Workload) -> None:
    proxy.settle(want(crew, a=1, b=7))
    crew["b"].ill = True
    eventually(lambda: proxy.who() == {"a": 12}, "the check")
    states = {
        each.backend: each for each in asyncio.run(proxy.runtime.servers("api", "api--panic")) if each.id == 7
    }
    assert not states["api"].up and states["api"].ready and states["api--panic"].up
    assert proxy.who(SPARE) == {"a": 6, "b": 6}
    crew["b"].ill = False
    eventually(lambda: proxy.who() == {"a": 6, "b": 6}, "its return")


def test_weights(proxy: Proxy, crew: Workload) -> None:
    a, b = want(crew, a=1, b=7)
    proxy.settle([a, b])
    for weight, share in ((100, 6), (0, 0)):
        proxy.settle([a, WantServer(7, b.address, weight)])
        assert proxy.who().get("b", 0) == proxy.who(SPARE).get("b", 0) == share
    proxy.settle([WantServer(1, a.address, 30), WantServer(7, b.address, 10)])
    eventually(lambda: proxy.who() == {"a": 9, "b": 3}, "the new round")  # the old one is served to its end


def test_maintenance_by_the_operator(proxy: Proxy, crew: Workload) -> None:
    a, b = want(crew, a=1, b=7)
    proxy.settle([a, b])
    for kept, out in ((a, b), (b, a)):
        proxy.settle([kept, WantServer(out.id, out.address, ready=False)])
        assert len(proxy.who()) == len(proxy.who(SPARE)) == 1
    proxy.settle([a, b])
    assert proxy.who() == {"a": 6, "b": 6}


def test_a_hand_on_the_socket_is_put_right(proxy: Proxy, crew: Workload) -> None:
    target = want(crew, a=1, b=7)
    proxy.settle(target)
    by_hand = [
        wire.set_state("api", "m1", "drain"),
        wire.set_state("api", "m7", "maint"),
        wire.set_weight("api--panic", "m1", 3),
        wire.Command("disable health api/m1"),
        wire.add_server("api", "stray", 99, crew["e"].address, 100, ""),
        wire.set_state("api", "stray", "ready"),
    ]
    assert {each.verdict for each in asyncio.run(proxy.runtime.run(by_hand))} == {"done"}
    assert proxy.who() == {"e": 12}
    proxy.settle(target)
    assert proxy.who() == {"a": 6, "b": 6} and "stray" not in proxy.names()


def test_an_address_changes_under_load_without_an_error(proxy: Proxy, crew: Workload) -> None:
    a, b = want(crew, a=1, b=2)
    proxy.settle([a, b])
    seen_by_clients: Counter[str] = Counter()
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            seen_by_clients[proxy.get()] += 1

    loader = threading.Thread(target=load)
    loader.start()
    try:
        for name in "cdecde":
            proxy.settle([a, WantServer(2, crew[name].address)])
            eventually(lambda name=name: proxy.get() == name, f"{name} behind m2")  # type: ignore[misc]
    finally:
        done.set()
        loader.join()
    assert set(seen_by_clients) <= set("abcde")
    assert proxy.who() == proxy.who(SPARE) == {"a": 6, "e": 6}


def test_who_goes_ends_what_is_under_way(proxy: Proxy, crew: Workload) -> None:
    proxy.settle(want(crew, a=7, b=8))
    heard: list[str] = []
    proxy.apply([WantServer(8, crew["b"].address, 0), *want(crew, a=7)])
    slow = threading.Thread(target=lambda: heard.append(proxy.get("/slow")))
    slow.start()
    assert crew["a"].slow.wait(5)
    verdicts = {each.command.line: each.verdict for each in proxy.apply(want(crew, b=8))}
    assert verdicts["del server api/m7"] == "later" and verdicts["del server api--panic/m7"] == "done"
    assert proxy.who() == {"b": 12}
    assert [each.verdict for each in proxy.apply(want(crew, b=8))] == ["later"]
    crew["a"].go.set()
    slow.join(5)
    assert heard == ["a"]
    eventually(lambda: proxy.apply(want(crew, b=8)) == (), "the end of m7")
    assert proxy.names() == proxy.names("api--panic") == ["m1", "m2", "m3", "m8"]


def test_a_slot_is_left_and_taken_by_somebody_else(proxy: Proxy, crew: Workload) -> None:
    proxy.settle(want(crew, a=1, b=2))
    proxy.settle(want(crew, a=1))
    assert proxy.who() == proxy.who(SPARE) == {"a": 12}
    proxy.settle(want(crew, a=1, c=2))
    assert proxy.who() == {"a": 6, "c": 6}
    proxy.settle([])
    assert proxy.get() == "503" and proxy.names() == ["m1", "m2", "m3"]


def test_a_reload_forgets_and_the_next_pass_restores(proxy: Proxy, crew: Workload) -> None:
    target = want(crew, a=1, b=7)
    proxy.settle(target)
    proxy.reload()
    assert proxy.names() == ["m1", "m2", "m3"] and proxy.get() == "503"
    proxy.settle(target)
    assert proxy.who() == proxy.who(SPARE) == {"a": 6, "b": 6}


def test_a_reload_may_make_a_dynamic_server_one_of_the_file(proxy: Proxy, crew: Workload) -> None:
    target = want(crew, a=1, b=7)
    proxy.settle(target)
    text = proxy.config.read_text()
    static = f"    server m7 {crew['b'].address} id 7 weight 100 tcp-ut 300ms"
    proxy.config.write_text(
        text.replace("tcp-ut 300ms disabled\nbackend", f"tcp-ut 300ms disabled\n{static}\nbackend")
        + static
        + "\n"
    )
    proxy.reload()
    assert proxy.who() == {"b": 12}
    proxy.settle(target)
    assert proxy.who() == {"a": 6, "b": 6}
    proxy.settle(want(crew, a=1))
    assert proxy.names() == ["m1", "m2", "m3"]


def test_nobody_goes_while_who_replaces_him_cannot_come(proxy: Proxy, crew: Workload) -> None:
    proxy.settle(want(crew, a=1, b=7))
    broken = PoolFile("api", registry="api", slots=SLOTS, spare="api--panic", options="check tcp-ut 300ms")
    outcomes = proxy.apply(want(crew, c=8), broken)
    refused = [each for each in outcomes if each.verdict == "refused"]
    assert refused[0].reason == "'tcp-ut' option is not accepted for dynamic server"
    assert {each.verdict for each in outcomes if each.command.step == "remove"} == {"held"}
    assert proxy.who() == {"a": 6, "b": 6}


def test_a_map_is_replaced_as_a_whole(proxy: Proxy, crew: Workload) -> None:
    proxy.settle(want(crew, a=1))
    asyncio.run(proxy.runtime.run([wire.set_state("api--panic", "m1", "maint")]))
    entries = {"/one": "api--panic", **{f"/{n}": "api" for n in range(600)}}
    replace = proxy.runtime.replace_map
    assert asyncio.run(replace(proxy.map, entries)) is True
    assert (proxy.get("/one"), proxy.get(SPARE), proxy.get("/5")) == ("503", "a", "a")
    assert asyncio.run(replace(proxy.map, entries)) is False
    assert asyncio.run(proxy.runtime.map(proxy.map)) == entries
    with pytest.raises(BadInput):
        asyncio.run(replace(proxy.map, {"/a b": "api"}))
    with pytest.raises(Refused):
        asyncio.run(replace("/nowhere.map", entries))
    assert asyncio.run(replace(proxy.map, {})) is True and asyncio.run(proxy.runtime.map(proxy.map)) == {}
    assert proxy.get("/one") == "a"


def test_what_is_under_way_to_each_server(proxy: Proxy, crew: Workload) -> None:
    want = [WantServer(n, crew[name].address, 100) for n, name in enumerate("ab", 1)]
    proxy.settle(want)
    eventually(lambda: proxy.who() == {"a": 6, "b": 6}, "both serve")

    def sessions() -> dict[tuple[str, int], int]:
        return asyncio.run(proxy.runtime.sessions("api", "api--panic"))

    eventually(lambda: set(sessions().values()) == {0}, "nothing is under way")
    assert sorted(sessions()) == [("api", n) for n in (1, 2, 3)] + [("api--panic", n) for n in (1, 2, 3)]
    client = threading.Thread(target=proxy.get, args=("/slow",), daemon=True)
    client.start()
    eventually(lambda: sum(sessions().values()) == 1, "one is under way")
    busy = next(number for (_, number), count in sessions().items() if count)
    eventually(crew["ab"[busy - 1]].slow.is_set, "the request is with it")
    for member in crew.values():
        member.go.set()
    client.join(10)
    eventually(lambda: not sum(sessions().values()), "it has ended")


def test_what_the_last_check_of_each_server_came_to(proxy: Proxy, crew: Workload) -> None:
    want = [WantServer(n, crew[name].address, 100) for n, name in enumerate("ab", 1)]
    proxy.settle(want)

    def words() -> dict[tuple[str, int], str]:
        return asyncio.run(proxy.runtime.check_words(("api", 1), ("api", 2), ("api", 9)))

    eventually(lambda: words() == {("api", 1): "L7OK 200", ("api", 2): "L7OK 200"}, "both are well")
    crew["a"].ill = True
    crew["b"].end()
    eventually(lambda: words() == {("api", 1): "L7STS 503", ("api", 2): "L4CON"}, "both are down")


def test_what_haproxy_has_not(proxy: Proxy) -> None:
    with pytest.raises(Refused):
        asyncio.run(proxy.runtime.sessions("nowhere"))
    with pytest.raises(Refused):
        asyncio.run(proxy.runtime.check_words(("nowhere", 1)))
    with pytest.raises(Refused):
        asyncio.run(proxy.runtime.servers("nowhere"))
    with pytest.raises(Refused):
        asyncio.run(proxy.runtime.map("/nowhere.map"))


def test_thousands_of_commands_are_done_in_order(proxy: Proxy) -> None:
    commands = [wire.set_weight("api", f"m{n % 3 + 1}", n % 257) for n in range(5000)]
    outcomes = asyncio.run(proxy.runtime.run(commands))
    assert [each.command for each in outcomes] == commands and {each.verdict for each in outcomes} == {"done"}
    weights = {each.name: each.weight for each in asyncio.run(proxy.runtime.servers("api"))}
    assert weights == {f"m{n % 3 + 1}": n % 257 for n in range(4997, 5000)}


# ---- sockets that are no HAProxy, or none any more


def bounded(act: Callable[[], Awaitable[object]], kind: type[DriverError]) -> DriverError:
    """What `act` raises: it has to give up by itself."""

    async def wrapped() -> None:
        async with asyncio.timeout(30):
            await act()

    with pytest.raises(DriverError) as caught:
        asyncio.run(wrapped())
    assert type(caught.value) is kind, caught.value
    return caught.value


def test_a_stopped_haproxy_is_unreachable_and_comes_back(proxy: Proxy) -> None:
    worker = proxy.pid()
    hasty = Runtime(proxy.folder / "admin.sock", timeout=0.2)
    os.kill(worker, signal.SIGSTOP)
    try:
        error = bounded(hasty.info, Unreachable)
        assert "within 0.2 s" in error.message
        bounded(
            lambda: hasty.run([wire.set_weight("api", f"m{n % 3 + 1}", 5) for n in range(5000)]), Unreachable
        )
    finally:
        os.kill(worker, signal.SIGCONT)
    assert proxy.pid() == worker


def test_nobody_there(tmp_path: Path) -> None:
    bounded(Runtime(tmp_path / "none.sock").info, Unreachable)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
        bounded(Runtime(tmp_path / "left.sock").info, Unreachable)
    bounded(Runtime(tmp_path / ("x" * 200)).info, Unreachable)


FAKES: dict[str, tuple[list[bytes], type[DriverError]]] = {
    "says nothing": ([], Unreachable),
    "closes at once": ([b""], Unreachable),
    "closes half-way": ([b"\n> Name: HAP", b""], Unreachable),
    "hangs half-way": ([b"\n", b"> Name: HAProxy\n"], Unreachable),
    "another protocol": ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], InvalidResponse),
    "binary": ([b"\n\xff\x00"], InvalidResponse),
    "too many replies": ([b"\n> a\n> b\n> c\n> "], InvalidResponse),
    "something after": ([b"\n> a\n> b"], InvalidResponse),
    "no reply to this": ([b"\n> what is that\n> "], InvalidResponse),
    "a flood": ([b"x" * 2**16] * 200, InvalidResponse),
    "a flood that begins well": ([b"\n> " + b"x" * 2**16] + [b"x" * 2**16] * 200, InvalidResponse),
}


@pytest.mark.parametrize("fake", FAKES)
def test_fakes_end_in_an_error_in_time(tmp_path: Path, fake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said, kind = FAKES[fake]
    monkeypatch.setattr(client, "MAX_REPLY", 2**20)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for each in said:
                writer.write(each)
                await writer.drain()
            if not said or said[-1]:
                await reader.read()
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def ask() -> Any:
        server = await asyncio.start_unix_server(talk, tmp_path / "fake.sock")
        async with server:
            return await Runtime(tmp_path / "fake.sock", timeout=0.5).info()

    bounded(ask, kind)
