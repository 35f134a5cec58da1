"""A real BIRD 2: what its socket says, that it takes up what it is told to, and what is left when it hangs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import pytest

from trimtab.daemons.bird.client import Bird
from trimtab.daemons.bird.wire import Prefix
from trimtab.errors import Refused, Unreachable

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(60)]
T = TypeVar("T")
A, B = ip_network("198.18.1.0/24"), ip_network("198.18.2.0/24")

CONFIG = """\
router id 127.0.0.1;
log "{folder}/bird.log" all;
protocol device {{ }}
ipv4 table wan4;
define WORD = [ {word} ];
protocol static origin4 {{
    ipv4 {{ table wan4; }};
    route 198.18.1.0/24 unreachable {{ bgp_community.add((65535,0)); }};
}}
protocol bgp up_x4 {{
    local 127.0.0.1 port 1 as 64512;
    neighbor 127.0.0.2 as 64513;
    multihop;
    passive;
    disabled;
    ipv4 {{ table wan4; import none; export all; }};
}}
"""


class Running:
    """One that touches neither the kernel's routes nor the network."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "bird.ctl"
        self.write(A)
        paths = ["-c", str(folder / "bird.conf"), "-s", str(self.socket), "-P", str(folder / "pid")]
        self.process = subprocess.Popen(["bird", "-f", *paths], stderr=subprocess.DEVNULL)

    def write(self, word: Prefix) -> None:
        (self.folder / "bird.conf").write_text(CONFIG.format(folder=self.folder, word=word))

    def ask(self, work: Callable[[Bird], Coroutine[Any, Any, T]], limit_s: float = 5.0) -> T:
        return asyncio.run(work(Bird(self.socket, limit_s)))

    def ready(self) -> Running:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            assert self.process.poll() is None, "BIRD has ended"
            try:
                self.ask(lambda bird: bird.protocols())
                return self
            except Unreachable:
                time.sleep(0.02)
        raise AssertionError("BIRD does not answer")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    if shutil.which("bird") is None:
        pytest.fail("bird is not installed: apt-get install bird2")
    found = Running(tmp_path)
    try:
        yield found.ready()
    finally:
        found.process.send_signal(signal.SIGCONT)
        found.process.terminate()
        found.process.wait(10)


def test_what_it_says_of_itself(running: Running) -> None:
    found = running.ask(lambda bird: bird.protocols())
    assert {name: (each.kind, each.state) for name, each in found.items()} == {
        "device1": ("Device", "up"),
        "origin4": ("Static", "up"),
        "up_x4": ("BGP", "down"),
    }
    (route,) = running.ask(lambda bird: bird.routes(A, "wan4"))
    assert (route.prefix, route.kind, route.protocol, route.table) == (A, "unreachable", "origin4", "wan4")
    assert route.best and route.communities == {(65535, 0)}
    assert running.ask(lambda bird: bird.routes(B, "wan4")) == ()


def test_the_constants_are_those_in_force_not_those_on_disk(running: Running) -> None:
    asked = [(A, "WORD"), (B, "WORD")]
    running.write(B)
    assert running.ask(lambda bird: bird.members(asked)) == (True, False)
    assert running.ask(lambda bird: bird.configure()) == "done"
    assert running.ask(lambda bird: bird.members(asked)) == (False, True)
    assert running.ask(lambda bird: bird.configure()) == "done", (
        "there is no word for one that changes nothing"
    )
    with pytest.raises(Refused, match="UNDEFINED"):
        running.ask(lambda bird: bird.members([(A, "WORD"), (A, "NOBODY")]))


def test_a_fault_is_refused_with_its_place_and_changes_nothing(running: Running) -> None:
    running.ask(lambda bird: bird.check())
    (running.folder / "bird.conf").write_text("garbage here;\n")
    for each in (Bird.configure, Bird.check):
        with pytest.raises(Refused, match=r"bird\.conf:1:1 syntax error"):
            running.ask(each)
    assert running.ask(lambda bird: bird.members([(A, "WORD")])) == (True,)


def test_a_session_that_is_down_has_told_nothing_to_read(running: Running) -> None:
    for each in (lambda bird: bird.exported("up_x4", [A]), lambda bird: bird.exported("up_x4")):
        with pytest.raises(Refused, match="No valid tables"):
            running.ask(each)
    with pytest.raises(Refused, match="UNDEFINED"):
        running.ask(lambda bird: bird.exported("up_nobody4", [A]))


def test_one_that_hangs_and_one_that_is_gone(running: Running) -> None:
    os.kill(running.process.pid, signal.SIGSTOP)
    with pytest.raises(Unreachable, match="has not answered"):
        running.ask(lambda bird: bird.protocols(), limit_s=0.3)
    os.kill(running.process.pid, signal.SIGCONT)
    assert running.ask(lambda bird: bird.protocols())
    running.process.terminate()
    running.process.wait(10)
    with pytest.raises(Unreachable):
        running.ask(lambda bird: bird.protocols())
