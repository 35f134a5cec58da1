"""What the storefront's tests share: ports, waiting, one request, processes that end with their block."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(holds: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < ends:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_SECONDS:g} s: {what}")


def answers(port: int, path: str) -> bool:
    try:
        return ask(port, "GET", path)[0] == 200
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: str = "", **fields: str) -> tuple[int, dict[str, str], str]:
    """One request on a new connection: status, fields by lower-case name, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            method, path, body or None, {name.replace("_", "-"): text for name, text in fields.items()}
        )
        answer = connection.getresponse()
        names = {name.lower(): text for name, text in answer.getheaders()}
        return answer.status, names, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def running(argv: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file, subprocess.Popen(argv, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.kill()


@dataclass
class Etcd:
    url: str
    process: subprocess.Popen[bytes]


@dataclass
class Shop:
    port: int
    process: subprocess.Popen[bytes]
    stack: ExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Command:
    """`trimtab-storefront` run to its end: exit code, lines of output, errors."""

    def __call__(self, *words: str, text: str = "") -> tuple[int, list[str], str]:
        argv = [sys.executable, "-m", "trimtab.storefront", *words]
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout.splitlines(), done.stderr
