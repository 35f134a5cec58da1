"""A node's own units over the socket in its /run, asked from within the node as its agent asks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_kit import output, wait_for

from trimtab.daemons.artifact import Artifact
from trimtab.lab.client import Lab, start
from trimtab.lab.topology import Node, Topology
from trimtab.lab.unit_socket import PATH

pytestmark = pytest.mark.twin

UNITS = {
    "steady": 'ExecStart=/bin/sleep 1000\nRestart=always\nExecReload=/bin/sh -c "echo again >> /var/reloads"',
    "patient": "ExecStart=/bin/sleep 2000\nRestart=always\nRestartSec=600s",
    "single": 'ExecStartPre=/bin/sh -c "test ! -e /var/broken"\nExecStart=/bin/sleep 3000',
}
ASK = f"""
import asyncio, dataclasses, json, sys
from trimtab.drivers.units import connect
from trimtab.errors import TrimtabError
units, op, names = connect("unix:{PATH}"), sys.argv[1], sys.argv[2:]
try:
    found = asyncio.run(units.state(names) if op == "state" else getattr(units, op)(*names))
    print(json.dumps({{name: dataclasses.asdict(each) for name, each in (found or {{}}).items()}}))
except TrimtabError as error:
    print(json.dumps({{"error": type(error).__name__, "message": error.message}}))
"""


def ask(lab: Lab, node: str, op: str, *names: str) -> dict[str, Any]:
    return dict(json.loads(output(lab, node, sys.executable, "-c", ASK, op, *names)))


@pytest.fixture(scope="module")
def pair(twins: Path) -> Iterator[Lab]:
    """Two hosts, of which one has more units, and a node that is no host."""

    def files(names: tuple[str, ...]) -> tuple[Artifact, ...]:
        return tuple(Artifact(f"/etc/systemd/system/{n}.service", f"[Service]\n{UNITS[n]}\n") for n in names)

    nodes = (
        Node("box", "host", files=files(tuple(UNITS)), units=tuple(f"{name}.service" for name in UNITS)),
        Node("other", "host", files=files(("steady",)), units=("steady.service",)),
        Node("crowd", "clients"),
    )
    lab = start(Topology("pair", nodes, ()), timeout=20)
    yield lab
    lab.down()


def test_a_host_is_told_of_its_own_units(pair: Lab) -> None:
    found = ask(pair, "box", "state", "steady.service", "nowhere.service")
    assert found["steady.service"]["active"] == "active" and found["nowhere.service"]["active"] == "missing"
    assert output(pair, "box", "stat", "-c", "%a", PATH) == "600\n"
    assert "No such file" in output(pair, "crowd", "sh", "-c", f"ls {PATH} 2>&1")


def test_a_restart_is_of_this_host_only(pair: Lab) -> None:
    before = {
        node: ask(pair, node, "state", "steady.service")["steady.service"]["pid"] for node in ("box", "other")
    }
    assert ask(pair, "box", "restart", "steady.service") == {}
    after = {node: ask(pair, node, "state", "steady.service")["steady.service"]["pid"] for node in before}
    assert after["box"] != before["box"] and after["other"] == before["other"]
    assert ask(pair, "box", "restart", "nowhere.service")["error"] == "Refused"


def test_a_reload(pair: Lab) -> None:
    assert ask(pair, "box", "reload", "steady.service") == {}
    assert output(pair, "box", "cat", "/var/reloads") == "again\n"


def test_a_unit_whose_processes_are_stopped_is_restarted(pair: Lab) -> None:
    before = ask(pair, "box", "state", "steady.service")["steady.service"]
    pair.kill("box", "steady.service", "STOP")
    assert ask(pair, "box", "state", "steady.service")["steady.service"] == before, (
        "a stopped process seems to run"
    )
    assert ask(pair, "box", "restart", "steady.service") == {}
    after = ask(pair, "box", "state", "steady.service")["steady.service"]
    assert after["active"] == "active" and after["pid"] != before["pid"]


def active(lab: Lab, name: str) -> str:
    return str(ask(lab, "box", "state", name)[name]["active"])


def test_a_unit_that_waits_or_has_failed_is_restarted(pair: Lab) -> None:
    for name, state in (("patient.service", "activating"), ("single.service", "failed")):
        pair.kill("box", name)
        wait_for(lambda name=name, state=state: active(pair, name) == state, state)  # type: ignore[misc]
        assert ask(pair, "box", "restart", name) == {}
        assert active(pair, name) == "active"


def test_a_restart_that_fails_is_told(pair: Lab) -> None:
    output(pair, "box", "touch", "/var/broken")
    answer = ask(pair, "box", "restart", "single.service")
    assert answer["error"] == "Refused" and "single.service is failed" in answer["message"]
    output(pair, "box", "rm", "/var/broken")
    assert ask(pair, "box", "restart", "single.service") == {}


def test_after_a_power_cut_the_socket_is_there_again(pair: Lab) -> None:
    pair.power_cut(["other"])
    pair.power_on(["other"])
    wait_for(
        lambda: (
            ask(pair, "other", "state", "steady.service").get("steady.service", {}).get("active") == "active"
        ),
        "the unit",
    )
    assert ask(pair, "other", "restart", "steady.service") == {}
