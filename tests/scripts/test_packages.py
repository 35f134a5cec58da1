"""How bootstrap brings packages: one update, no service started, nobody's policy-rc.d touched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APT_GET = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in *install*) "$POLICY"; echo "policy says $?" >>"$CALLS"; exit "${INSTALL:-0}" ;; esac
"""
APT_CACHE = """#!/bin/sh
case "$2" in here|also-here) echo "Package: $2" ;; *) exit 100 ;; esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A directory with stand-ins for apt, in front of PATH."""
    for name, text in {
        "apt-get": APT_GET,
        "apt-cache": APT_CACHE,
        "systemctl": "#!/bin/sh\necho systemctl $* >>$CALLS\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def in_bash(machine: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    sources = "".join(f"source {ROOT}/scripts/{name}.sh\n" for name in ("_common", "_packages"))
    begin = f"set -euo pipefail\n{sources}policy=$POLICY\n"
    places = {
        "PATH": f"{machine}:{os.environ['PATH']}",
        "CALLS": f"{machine}/calls",
        "POLICY": f"{machine}/policy-rc.d",
    }
    argv = ["bash", "-c", begin + code]
    return subprocess.run(argv, env=os.environ | places | env, capture_output=True, text=True, timeout=30)


def calls(machine: Path) -> list[str]:
    return (machine / "calls").read_text().splitlines()


def test_it_updates_once_and_installs_what_the_sources_have(machine: Path) -> None:
    done = in_bash(machine, "install_packages $'one here\\nhaproxy gone|also-here'")
    assert done.returncode == 0, done.stderr
    seen = calls(machine)
    assert [c for c in seen if c.endswith(" update")] == seen[:1]
    assert seen[1].endswith("install --no-install-recommends here also-here")


def test_services_are_held_during_the_installation_and_not_enabled_after_it(machine: Path) -> None:
    in_bash(machine, "install_packages 'haproxy here'")
    assert calls(machine)[2:] == ["policy says 101", "systemctl --quiet disable haproxy.service"]
    assert not (machine / "policy-rc.d").exists()


def test_only_new_daemons_are_disabled(machine: Path) -> None:
    in_bash(machine, "install_packages 'curl here'")
    assert not [c for c in calls(machine) if c.startswith("systemctl")]


def test_a_package_nobody_has_is_named_and_nothing_is_installed(machine: Path) -> None:
    refused = in_bash(machine, "install_packages $'one here\\netcd gone|lost'")
    assert refused.returncode == 3
    assert "gone or lost (for etcd)" in refused.stderr
    assert len(calls(machine)) == 1


def test_a_failed_installation_leaves_no_policy(machine: Path) -> None:
    failed = in_bash(machine, "install_packages 'one here'", INSTALL="100")
    assert failed.returncode == 3
    assert "could not install: here" in failed.stderr
    assert not (machine / "policy-rc.d").exists()


@pytest.mark.parametrize("signal", ["INT", "TERM", "HUP"])
def test_a_signal_leaves_no_policy(machine: Path, signal: str) -> None:
    ended = in_bash(machine, f'hold_services; [[ -x $policy ]]; kill -{signal} $$; echo "still here"')
    assert ended.returncode in (130, 143)
    assert ended.stdout == ""
    assert not (machine / "policy-rc.d").exists()


def test_what_a_kill_9_leaves_lets_services_start_and_is_cleared_away(machine: Path) -> None:
    in_bash(machine, "hold_services; kill -KILL $$")
    left = machine / "policy-rc.d"
    assert subprocess.run([left]).returncode == 0
    done = in_bash(machine, "install_packages 'one here'")
    assert done.returncode == 0
    assert "policy says 101" in calls(machine)
    assert not left.exists()


def test_somebody_elses_policy_is_left_alone(machine: Path) -> None:
    own = machine / "policy-rc.d"
    own.write_text("#!/bin/sh\nexit 104\n")
    own.chmod(0o755)
    done = in_bash(machine, "install_packages 'one here'")
    assert done.returncode == 0
    assert "policy says 104" in calls(machine)
    assert "exists already" in done.stderr
    assert own.read_text() == "#!/bin/sh\nexit 104\n"
    assert not list(machine.glob("policy-rc.d.*"))
