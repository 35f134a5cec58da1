"""However a twin ends, nothing of it stays: no process, no namespace, no state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lab_kit import small_topology, wait_for

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.probe import ReadyCheck
from trimtab.errors import BadInput, EnvironmentUnable, TwinFailed
from trimtab.lab import process
from trimtab.lab.client import Lab, start
from trimtab.lab.topology import Node, Topology

pytestmark = pytest.mark.twin

# A page nobody serves, so that the twin never gets ready.
NEVER = ReadyCheck("http", "a page from nobody", ("client",), ("http://www.example/", "192.0.2.200"))
STARTER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began us in the background has left it ignored
sys.path.insert(0, {tests!r})
from lab_kit import small_topology
from trimtab.lab.client import start
from trimtab.daemons.probe import ReadyCheck
never = ReadyCheck("http", "a page from nobody", ("client",), ("http://www.example/", "192.0.2.200"))
try:
    start(small_topology("never", (never,)), on_wait=lambda waiting: print(len(waiting), flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""


def alive(pid: int) -> bool:
    found = process.stat(pid)
    return found is not None and found.state != "Z"


def namespaces(pids: list[int]) -> set[str]:
    return {str(Path(f"/proc/{pid}/ns/net").readlink()) for pid in pids}


def everywhere() -> set[str]:
    """The network namespaces of all processes that we may look at."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return found


def nothing_left(path: Path, pids: list[int], spaces: set[str]) -> None:
    wait_for(lambda: not any(map(alive, pids)), "the end of every process")
    wait_for(lambda: not path.exists(), "the end of the state folder")
    assert not spaces & everywhere()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV]
)
def test_death_of_the_outer_process_by_any_signal_leaves_nothing(twins: Path, number: signal.Signals) -> None:
    lab = start(small_topology("dying"), timeout=30)
    outer = int(json.loads((lab.path / "owner.json").read_text())["pid"])
    pids = process.descendants(outer)
    spaces = namespaces(pids) - {str(Path("/proc/self/ns/net").readlink())}
    assert len(pids) > 15 and len(spaces) == 6  # five nodes and the fabric
    os.kill(outer, number)
    nothing_left(lab.path, pids, spaces)
    with pytest.raises(EnvironmentUnable, match="no twin named dying"):
        Lab.connect("dying")


def test_death_of_the_owner_inside_leaves_nothing(twins: Path) -> None:
    lab = start(small_topology("dying"), timeout=30)
    outer = int(json.loads((lab.path / "owner.json").read_text())["pid"])
    pids = process.descendants(outer)
    owner = next(
        pid for pid in pids if b"trimtab.lab.init" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    )
    os.kill(owner, signal.SIGKILL)
    nothing_left(lab.path, pids, set())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_start_that_is_killed_takes_its_twin_along(twins: Path, number: signal.Signals) -> None:
    code = STARTER.format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        # until all but the page from nobody is there, so that everything runs
        for line in starter.stdout:
            if line == "1\n" and (twins / "never" / "owner.json").exists():
                break
        outer = int(json.loads((twins / "never" / "owner.json").read_text())["pid"])
        pids = [outer, *process.descendants(outer)]
        starter.send_signal(number)
        starter.wait(20)
    nothing_left(twins / "never", pids, set())


def test_a_twin_that_does_not_get_ready_says_what_is_missing_and_goes(twins: Path) -> None:
    heard: list[list[str]] = []
    with pytest.raises(TwinFailed, match="a page from nobody"):
        start(small_topology("never", (NEVER,)), timeout=4, on_wait=heard.append)
    assert any("a page from nobody" in line for line in heard[-1])
    assert not (twins / "never").exists()


def service(text: str) -> Topology:
    files = (Artifact("/etc/systemd/system/x.service", text),)
    return Topology("one", (Node("one", "host", files=files, units=("x.service",)),), ())


def test_a_unit_that_fails_for_good_ends_the_start_with_its_last_words(twins: Path) -> None:
    topology = service('[Service]\nType=exec\nExecStart=/bin/sh -c "echo no luck; exit 3"\n')
    with pytest.raises(TwinFailed, match=r"one: x.service has failed") as failed:
        start(topology, timeout=20)
    assert "no luck" in failed.value.hint and "exit status 3" in failed.value.hint


def test_a_unit_the_twin_cannot_read_is_refused_before_anything_starts(twins: Path) -> None:
    with pytest.raises(
        BadInput, match=r"one:/etc/systemd/system/x.service:3: the twin does not know Sockets="
    ):
        start(service("[Service]\nExecStart=/bin/true\nSockets=x.socket\n"))
    assert not (twins / "one").exists()


def test_a_left_over_state_folder_is_no_obstacle(twins: Path) -> None:
    (twins / "one" / "out").mkdir(parents=True, mode=0o700)
    (twins / "one" / "out" / "old").write_text("old")
    (twins / "one").chmod(0o700)
    lab = start(service("[Service]\nType=exec\nExecStart=/bin/sleep 1000\n"), timeout=20)
    assert list(lab.scratch.iterdir()) == []
    lab.down()
    assert not lab.path.exists()
