"""Every kind of change, host by host in either order, with a stop after the first: it moves what it names and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.twin.changes import BASE, CHANGES, QUICK, changed
from tests.twin.changes_kit import inventory, roll
from tests.twin.conftest import run, twin
from trimtab.errors import DaemonRefused
from trimtab.lab import change
from trimtab.lab.client import Lab

pytestmark = [pytest.mark.twin, pytest.mark.alone, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def moves() -> Iterator[Lab]:
    with twin(BASE) as lab:
        yield lab


CASES = [
    pytest.param(
        name, order, marks=[] if name in QUICK and (QUICK.index(name) % 2 == order) else pytest.mark.full
    )
    for name in CHANGES
    for order in (0, 1)
]


@pytest.mark.parametrize(("name", "order"), CASES)
def test_a_change_moves_only_what_it_names(moves: Lab, name: str, order: int) -> None:
    """order: which pair of a router and a proxy comes first."""
    roll(moves, name, order)


def test_a_file_that_a_daemon_refuses_changes_nothing(moves: Lab) -> None:
    """A network whose interface the router has not: keepalived would give every gateway away."""
    after = inventory(moves, changed(CHANGES["group added"]).replace("id: 2}\nsites", "id: 9}\nsites"))
    first = run(moves, "one-router-1", "ip", "-o", "addr")
    with pytest.raises(DaemonRefused, match=r"keepalived\.conf refused by keepalived"):
        moves.deliver("one-router-1", change.files(after, "one-router-1"))
    assert run(moves, "one-router-1", "ip", "-o", "addr") == first
    again = moves.deliver("one-router-1", change.files(inventory(moves, BASE.read_text()), "one-router-1"))
    assert again["files"] == []


def test_the_command_gives_hosts_their_files(moves: Lab) -> None:
    command = [sys.executable, "-m", "trimtab", "lab", "deliver", "one-proxy-1", "one-router-1"]
    asked = [*command, "-e", str(BASE), "--name", moves.name]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "one-proxy-1: no change\none-router-1: no change\n"), (
        done.stderr
    )
