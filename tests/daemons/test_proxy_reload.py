"""The rendered `proxy-reload`, run as it is on a host: against a made-up master of HAProxy, real sockets, an nginx-like tree."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.estate.make import SMALL
from trimtab.daemons.artifact import HOOKS
from trimtab.daemons.front.config import RELOAD_S
from trimtab.daemons.rendered import render_host
from trimtab.estate.inventory import Inventory
from trimtab.estate.load import read_estate

pytestmark = pytest.mark.daemon  # processes that have to be there within half a second
HEAD = "#<PID>          <type>          <reloads>       <uptime>        <version>\n"


def told(*workers: int, old: tuple[int, ...] = (), failed: int = 0) -> str:
    """A reply of `show proc`."""
    line = "{:<16}worker          {}               0d00h00m01s     2.6.12\n"
    parts = [
        HEAD,
        f"1               master          0 [failed: {failed}]   0d00h00m01s     2.6.12\n# workers\n",
    ]
    parts += [line.format(pid, 0) for pid in workers]
    parts += (["# old workers\n"] if old else []) + [line.format(pid, 1) for pid in old]
    return "".join([*parts, "# programs\n\n"])


class Master:
    """A process that takes the signals, and a socket that tells of its workers: `replies` in turn once it has been
    signalled, the last one for ever; None: the connection is closed without a word. stays: the workers that go on
    taking connections."""

    def __init__(self, path: Path, before: str | None) -> None:
        self.stays: set[int] = set()
        self.path, self.before = path, before
        self.replies: list[str | None] = [before]
        self.heard = path.with_name("heard")
        script = "import signal, sys, pathlib\nheard = pathlib.Path(sys.argv[1])\n" + "".join(
            f"signal.signal(signal.{name}, lambda *_: heard.open('a').write('{name}\\n'))\n"
            for name in ("SIGUSR2", "SIGHUP")
        )
        script += "print('ready', flush=True)\nwhile True: signal.pause()\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(self.heard)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def signals(self) -> list[str]:
        return self.heard.read_text().split() if self.heard.exists() else []

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock:
                asked = b""
                while data := sock.recv(100):
                    asked += data
                if found := re.fullmatch(rb"@!(\d+) show info\n", asked):
                    sock.sendall(b"Pid: %s\nStopping: %d\n" % (found[1], int(found[1]) not in self.stays))
                    continue
                assert asked == b"show proc\n"
                reply = self.before
                if self.signals():
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if reply is not None:
                    sock.sendall(reply.encode())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Callable[[str | None], Master]]:
    made: list[Master] = []

    def make(before: str | None) -> Master:
        made.append(Master(tmp_path / "master.sock", before))
        return made[-1]

    yield make
    for one in made:
        one.end()


def rendered() -> str:
    inventory = Inventory(read_estate(SMALL)[0])
    host = next(host for host in inventory.hosts if host.does("vips"))
    (found,) = [a for a in render_host(inventory, host) if a.path == f"{HOOKS}/proxy-reload"]
    assert found.mode == 0o755
    return found.content


def reload(tmp_path: Path, daemon: str, pid: int, config: str = "", seconds: float = 5) -> tuple[int, str]:
    """Exit code and errors; only paths and the deadline differ from what a host has."""
    (tmp_path / "haproxy.cfg").write_text(config)
    text = rendered()
    for was, now in (
        ('"/etc/haproxy/haproxy.cfg"', repr(str(tmp_path / "haproxy.cfg"))),
        ('"/run/haproxy/master.sock"', repr(str(tmp_path / "master.sock"))),
        (f"\nSECONDS = {RELOAD_S}\n", f"\nSECONDS = {seconds}\n"),
    ):
        assert was in text
        text = text.replace(was, now)
    script = tmp_path / "proxy-reload"
    script.write_text(text)
    script.chmod(0o755)
    assert text.startswith("#!/usr/bin/python3 -ISE\n")
    argv = [sys.executable, "-ISE", str(script), daemon, str(pid)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


Make = Callable[[str | None], Master]


def test_a_new_worker_is_a_reload(tmp_path: Path, master: Make) -> None:
    one = master(told(10))
    one.replies = [None, told(10), told(20, old=(10,))]
    assert reload(tmp_path, "haproxy", one.process.pid) == (0, "")
    assert one.signals() == ["SIGUSR2"]
    assert len(one.replies) == 1, "it did not wait for the new generation"


def test_an_old_worker_that_goes_on_taking_connections_is_no_reload(tmp_path: Path, master: Make) -> None:
    one = master(told(10))
    one.replies, one.stays = [told(20, old=(10,))], {10}
    code, errors = reload(tmp_path, "haproxy", one.process.pid, seconds=0.4)
    assert code != 0
    assert (
        "after 0.4 s old workers (10) take connections beside the new ones" in errors and "CAP_KILL" in errors
    )


def test_an_old_worker_is_waited_for(tmp_path: Path, master: Make) -> None:
    one = master(told(10))
    one.replies, one.stays = [told(20, old=(10,))], {10}
    threading.Timer(0.5, one.stays.clear).start()
    assert reload(tmp_path, "haproxy", one.process.pid) == (0, "")
    assert not one.stays


def test_a_worker_that_could_not_start_is_told(tmp_path: Path, master: Make) -> None:
    one = master(told(10))
    one.replies = [None, told(10, failed=1)]
    code, errors = reload(tmp_path, "haproxy", one.process.pid)
    assert code != 0
    assert errors == "proxy-reload: the new worker could not start; the old one goes on serving\n"


def test_an_earlier_failure_does_not_count_against_this_reload(tmp_path: Path, master: Make) -> None:
    """The master forgets it only once a reload succeeds; until it has begun, it still tells of the old one."""
    one = master(told(10, failed=1))
    one.replies = [told(10, failed=1), None, told(20, old=(10,))]
    assert reload(tmp_path, "haproxy", one.process.pid) == (0, "")


@pytest.mark.parametrize("reply", [None, told(10), told(old=(10,)), told(10, 20, old=())])
def test_without_a_new_generation_alone_there_is_no_reload(
    tmp_path: Path, master: Make, reply: str | None
) -> None:
    one = master(told(10))
    one.replies = [reply]
    code, errors = reload(tmp_path, "haproxy", one.process.pid, seconds=0.4)
    assert code != 0
    assert "no new worker after 0.4 s; the old ones go on serving" in errors


def test_a_master_that_tells_nothing_before_is_not_signalled(tmp_path: Path, master: Make) -> None:
    one = master(None)
    code, errors = reload(tmp_path, "haproxy", one.process.pid)
    assert code != 0
    assert errors
    assert one.signals() == []


# Addresses: whoever else has one keeps it, and nothing is begun.


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_that_somebody_else_has_ends_it_before_any_signal(
    tmp_path: Path, master: Make, address: str
) -> None:
    one = master(told(10))
    with socket.create_server((address, 0), family=_family(address), reuse_port=False) as other:
        port = other.getsockname()[1]
        bind = f"[{address}]:{port} v6only" if ":" in address else f"{address}:{port}"
        code, errors = reload(tmp_path, "haproxy", one.process.pid, f"frontend x\n    bind {bind}\n")
    assert code != 0
    assert f"{address}:{port}: Address already in use; nothing was changed" in errors
    assert one.signals() == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_its_own_sockets_are_shared(tmp_path: Path, master: Make, address: str) -> None:
    one = master(told(10))
    one.replies = [told(20, old=(10,))]
    with socket.create_server((address, 0), family=_family(address), reuse_port=True) as own:
        port = own.getsockname()[1]
        bind = f"[{address}]:{port} ssl crt x alpn h2" if ":" in address else f"{address}:{port}"
        assert reload(tmp_path, "haproxy", one.process.pid, f"frontend x\n    bind {bind}\n") == (0, "")


def test_an_address_that_the_partner_holds_is_free_here(tmp_path: Path, master: Make) -> None:
    one = master(told(10))
    one.replies = [told(20, old=(10,))]
    config = "frontend x\n    bind 192.0.2.77:18443\n    bind [2001:db8::77]:18443 v6only\n"
    assert reload(tmp_path, "haproxy", one.process.pid, config) == (0, "")


def test_every_bind_line_that_is_rendered_is_tried() -> None:
    """What the script does not recognise it does not try: compare it with what HAProxy would read."""
    inventory = Inventory(read_estate(SMALL)[0])
    host = next(host for host in inventory.hosts if host.does("vips"))
    (config,) = [a.content for a in render_host(inventory, host) if a.path == "/etc/haproxy/haproxy.cfg"]
    names: dict[str, object] = {"__name__": "proxy_reload"}
    exec(compile(rendered(), "proxy-reload", "exec"), names)
    found = list(names["bind_addresses"](config))  # type: ignore[operator]
    lines = re.findall(r"(?m)^\s*bind\s(?!unix@)", config)
    assert len(found) == len(lines) > 3
    assert all(address and 0 < port < 65536 for address, port in found)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


# nginx: new processes below the master.

TREE = """
work() { bash -c 'exec -a "nginx: worker process" sleep 600' & }
alien() { (bash -c 'exec -a "nginx: worker process" sleep 600' & echo $! > "$1"); }
ends() { kill $old; bash -c 'exec -a "nginx: worker process is shutting down" sleep 600' & }
more() { echo SIGHUP >> "$1"; case $2 in renews) work; ends;; doubles) work;; grows) sleep 600 & ;; elsewhere) alien "$1.alien";; esac; }
trap 'more "$1" "$2"' HUP
trap 'kill $(jobs -p); exit' TERM
work
old=$!
echo ready
while :; do wait; sleep 0.01; done
"""


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    made: list[subprocess.Popen[str]] = []

    def start(habit: str) -> int:
        script = (
            tmp_path / "nginx"
        )  # not by -c: a child that has not become its program yet would be called a worker
        script.write_text(TREE)
        argv = ["bash", str(script), str(tmp_path / "heard"), habit]
        made.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        assert made[-1].stdout is not None
        assert made[-1].stdout.readline() == "ready\n"
        ends = time.monotonic() + 10
        while "worker process" not in _children(made[-1].pid):
            assert time.monotonic() < ends, "the worker has not begun"
            time.sleep(0.01)
        return made[-1].pid

    yield start
    for process in made:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def _children(pid: int) -> str:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return " ".join(Path(f"/proc/{child}/cmdline").read_text() for child in pids)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_nginxs_new_worker_is_a_reload(tmp_path: Path, tree: Callable[[str], int]) -> None:
    assert reload(tmp_path, "nginx", tree("renews")) == (0, "")
    assert (tmp_path / "heard").read_text() == "SIGHUP\n"


@pytest.mark.parametrize("habit", ["stays", "grows"])
def test_an_nginx_that_starts_no_worker_has_not_reloaded(
    tmp_path: Path, tree: Callable[[str], int], habit: str
) -> None:
    code, errors = reload(tmp_path, "nginx", tree(habit), seconds=0.5)
    assert code != 0
    assert "no new worker after 0.5 s" in errors


def test_an_nginx_whose_old_worker_goes_on_has_not_reloaded(
    tmp_path: Path, tree: Callable[[str], int]
) -> None:
    code, errors = reload(tmp_path, "nginx", tree("doubles"), seconds=0.5)
    assert code != 0
    assert "take connections beside the new ones" in errors


def test_a_new_worker_of_another_nginx_is_not_taken_for_one(
    tmp_path: Path, tree: Callable[[str], int]
) -> None:
    try:
        code, _ = reload(tmp_path, "nginx", tree("elsewhere"), seconds=0.5)
        alien = int((tmp_path / "heard.alien").read_text())
        assert "worker process" in Path(f"/proc/{alien}/cmdline").read_text()
        assert code != 0
    finally:
        os.kill(int((tmp_path / "heard.alien").read_text()), signal.SIGKILL)


def test_a_daemon_that_is_gone_cannot_be_reloaded(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    code, errors = reload(tmp_path, "nginx", gone.pid)
    assert code != 0
    assert os.strerror(3) in errors  # ESRCH
