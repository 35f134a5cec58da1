"""The container itself: alone, and gone whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.systemd import nspawn_kit
from tests.systemd.nspawn_kit import RELEASES, ROOT, booted

pytestmark = [pytest.mark.daemon, pytest.mark.alone, pytest.mark.full]


def mounted() -> list[str]:
    return [line for line in Path("/proc/self/mounts").read_text().splitlines() if "trimtab-systemd-" in line]


@pytest.mark.parametrize("release", RELEASES)
def test_it_is_a_debian_of_its_own_and_leaves_nothing(release: str) -> None:
    with booted(release, "alone") as machine:
        assert f"VERSION_CODENAME={release}" in machine.run("cat", "/etc/os-release").text
        assert machine.run("cat", "/proc/1/comm").text == "systemd\n"
        links = machine.run("ip", "-o", "link").lines
        assert len(links) == 1 and " lo: " in links[0]
        machine.run("systemd-run", "--unit=sleeps", "sleep", "1000")
        inside, leader, name = machine.pid("sleeps"), machine.leader, machine.name
        assert inside and not mounted()
    assert not Path(f"/proc/{leader}").exists()
    assert not list(Path("/sys/fs/cgroup").rglob(name))


def test_it_dies_with_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "from tests.systemd.nspawn_kit import booted\n"
        "with booted('trixie', 'killed') as machine:\n"
        "    print(machine.leader, machine.name, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid, name = process.stdout.readline().split()
        leader = Path(f"/proc/{pid}")
        assert leader.exists()
        os.kill(process.pid, signal.SIGKILL)
    ends = time.monotonic() + 20
    while leader.exists():
        assert time.monotonic() < ends, "the container outlives its test"
        time.sleep(0.05)
    assert not mounted()
    (scratch,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert not list(scratch.iterdir()), "all that it wrote was in its own mounts"
    nspawn_kit.sweep(scratch, name)


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program, path: program != "systemd-nspawn" or None)
    with pytest.raises(pytest.fail.Exception, match="apt-get install systemd-container"):
        nspawn_kit.require()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.fail.Exception, match="needs root"):
        nspawn_kit.require()
