"""Units run as systemd would run them: start, stop, time-outs, restarts, leftovers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import output, wait_for

from trimtab.daemons.artifact import Artifact
from trimtab.errors import TwinFailed
from trimtab.lab.client import Lab, start
from trimtab.lab.topology import Node, Topology

pytestmark = pytest.mark.twin

UNITS = {
    "stubborn": """
ExecStart=/bin/sh -c "trap '' TERM; while :; do sleep 1000; done"
ExecStopPost=/bin/sh -c "pgrep -c -x -f 'sleep 1000' > /run/left"
TimeoutStopSec=300ms
""",
    "family": """
ExecStart=/bin/sh -c "setsid sleep 2001 & sleep 2002 & sleep 2003"
ExecStopPost=/bin/sh -c "echo post >> /var/family"
""",
    "once": """
Type=oneshot
ExecStart=/bin/sh -c "echo one >> /var/once"
ExecStart=/bin/sh -c "echo two >> /var/once"
ExecStop=/bin/sh -c "echo stop >> /var/once"
ExecStopPost=/bin/sh -c "echo post >> /var/once"
RemainAfterExit=yes
""",
    "flaky": """
ExecStart=/bin/sh -c "test -e /run/break && exit 3; exec sleep 3000"
Restart=on-failure
RestartSec=10ms
""",
    "world": """
EnvironmentFile=/etc/world
EnvironmentFile=-/etc/nowhere
Environment=PLAIN=1 "TWO=a b"
WorkingDirectory=/var
UMask=0077
RuntimeDirectory=world
RuntimeDirectoryMode=0750
ExecStart=/bin/sh -c "env > world; pwd >> world; stat -c %%a world $RUNTIME_DIRECTORY >> world; exec sleep 4000"
""",
}


@pytest.fixture(scope="module")
def box(twins: Path) -> Iterator[Lab]:
    files = tuple(
        Artifact(f"/etc/systemd/system/{name}.service", f"[Unit]\nStartLimitBurst=3\n[Service]{text}")
        for name, text in UNITS.items()
    )
    world = Artifact("/etc/world", "# comment\nFILED='x y'\n\nPLAIN=2\n")
    node = Node("box", "host", files=(*files, world), units=tuple(f"{name}.service" for name in UNITS))
    lab = start(Topology("box", (node,), ()), timeout=20)
    yield lab
    lab.down()


def state(lab: Lab, name: str) -> str:
    units = {unit["unit"]: unit["state"] for unit in lab.status()["hosts"][0]["units"]}
    return str(units[f"{name}.service"])


def processes(lab: Lab) -> str:
    return output(lab, "box", "sh", "-c", "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done")


def test_a_process_that_ignores_the_signal_is_killed_after_its_time(box: Lab) -> None:
    began = time.monotonic()
    box.unit("box", "stubborn.service", "stop")
    assert time.monotonic() - began >= 0.3
    assert output(box, "box", "cat", "/run/left") == "0\n"  # before ExecStopPost
    assert state(box, "stubborn") == "inactive"


def test_everything_a_dead_main_process_leaves_behind_is_ended(box: Lab) -> None:
    wait_for(lambda: "sleep 2002" in processes(box) and "sleep 2001" in processes(box), "the family")
    box.kill("box", "family.service")
    wait_for(lambda: state(box, "family") == "failed", "the end")  # Restart=no
    assert "sleep 2002" not in processes(box) and "sleep 2003" not in processes(box)
    assert output(box, "box", "cat", "/var/family") == "post\n"
    with pytest.raises(TwinFailed, match=r"no process of family.service runs, it is failed"):
        box.kill("box", "family.service")
    box.unit("box", "family.service", "start")
    assert state(box, "family") == "active"


def test_a_oneshot_stays_active_until_it_is_stopped(box: Lab) -> None:
    assert state(box, "once") == "exited"
    assert output(box, "box", "cat", "/var/once") == "one\ntwo\n"
    box.unit("box", "once.service", "stop")
    assert output(box, "box", "cat", "/var/once") == "one\ntwo\nstop\npost\n"
    assert state(box, "once") == "inactive"


def test_a_unit_that_keeps_failing_is_given_up(box: Lab) -> None:
    output(box, "box", "touch", "/run/break")
    box.kill("box", "flaky.service")
    wait_for(lambda: state(box, "flaky") == "failed", "giving up")
    with pytest.raises(TwinFailed, match=r"box: flaky.service has failed") as failed:
        box.wait_ready(5)
    assert "started too often" in failed.value.hint and "exit status 3" in failed.value.hint
    output(box, "box", "rm", "/run/break")
    box.unit("box", "flaky.service", "start")
    assert state(box, "flaky") == "active"


def test_a_clean_signal_is_no_failure(box: Lab) -> None:
    box.kill("box", "flaky.service", "TERM")
    wait_for(lambda: state(box, "flaky") == "inactive", "its end")


def test_environment_folder_and_mask(box: Lab) -> None:
    wait_for(lambda: "750" in output(box, "box", "cat", "/var/world"), "the unit's report")
    lines = output(box, "box", "cat", "/var/world").splitlines()
    assert {"FILED=x y", "PLAIN=2", "TWO=a b", "RUNTIME_DIRECTORY=/run/world", "HOME=/root"} <= set(lines)
    assert lines[-3:] == ["/var", "600", "750"]
    assert not [line for line in lines if line.startswith("TRIMTAB")]
    box.unit("box", "world.service", "stop")
    assert "world" not in output(box, "box", "ls", "/run")


def test_a_reload_that_cannot_be_is_told(box: Lab) -> None:
    with pytest.raises(TwinFailed, match=r"flaky.service \(\w+\) cannot be reloaded"):
        box.unit("box", "flaky.service", "reload")
