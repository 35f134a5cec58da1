"""A Debian that boots its own systemd: a container on a root that `scripts/system` makes, gone with the block.

What it writes goes to a tmpfs above that root. Its mounts, its processes and its network are its own; whoever started
it may die as he likes, and it dies with him.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.systemd.machine_kit import ENVIRONMENT, Machine

ROOT = Path(__file__).parents[2]
RELEASES = ("bookworm", "trixie")
PACKAGES = {
    "systemd-nspawn": "systemd-container", "debootstrap": "debootstrap", "nsenter": "util-linux",
    "unshare": "util-linux", "setpriv": "util-linux",
}  # fmt: skip
BOOT_S = 60

# nspawn calls its two control groups `payload` and `supervisor`, whatever else is called so: it gets a group of its own.
# On a machine that systemd runs it asks that for a scope, and refuses to do without.
_GROUPS = """
groups() {
    mkdir -p "$1/unified" "$1/named"
    mount -t cgroup2 cgroup2 "$1/unified"
    if grep -q :name=systemd: /proc/self/cgroup; then mount -t cgroup -o none,name=systemd cgroup "$1/named"; fi
}
"""
# SCRATCH ROOT NAME SOURCE OPTION
_BOOT = f"""{_GROUPS}
set -eu
umask 022
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root" "$1/groups" "$1/written" "$1/working"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$4,upperdir=$1/written,workdir=$1/working" "$1/root/opt/trimtab-source"
tr -d - < /proc/sys/kernel/random/uuid > "$1/root/etc/machine-id"
echo "$3" > "$1/root/etc/hostname"
keep=
if [ ! -d /run/systemd/system ]; then
    keep=--keep-unit
    groups "$1/groups"
    mkdir "$1/groups/unified/$3" "$1/groups/named/$3"
fi
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
boot() {{
    for kind in unified named; do
        if [ -e "$1/groups/$kind/$3/cgroup.procs" ]; then echo 0 > "$1/groups/$kind/$3/cgroup.procs"; fi
    done
    exec systemd-nspawn --quiet --boot --directory="$1/root" --machine="$3" --private-network --register=no $keep \\
        --link-journal=no --console=pipe $5
}}
status=133 # a reboot: who keeps his unit leaves it to whoever started him
while [ "$status" = 133 ]; do
    status=0
    (boot "$@") || status=$?
done
exit "$status"
"""
# SCRATCH NAME: the groups once nothing is in them
_SWEEP = f"""{_GROUPS}
mount -t tmpfs tmpfs "$1"
groups "$1"
find "$1/unified/$2" "$1/named/$2" -depth -type d -exec rmdir {{}} ';'
"""


def require() -> None:
    """Fails, and says what to do, where a real systemd cannot be had."""
    if os.geteuid() != 0:
        pytest.fail("a real systemd needs root: run these tests as root, or leave out --full")
    path = ENVIRONMENT["PATH"]
    missing = sorted(
        {package for program, package in PACKAGES.items() if not shutil.which(program, path=path)}
    )
    if missing:
        pytest.fail(f"a real systemd needs programs that are missing: apt-get install {' '.join(missing)}")


def system(release: str) -> Path:
    """The root of a release, made where it is not there. Fails with what `scripts/system` says."""
    made = subprocess.run(
        [str(ROOT / "scripts/system"), release],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.fail(f"scripts/system {release}: exit {made.returncode}\n{made.stderr}")
    return Path(made.stdout.strip())


@contextmanager
def booted(release: str, name: str) -> Iterator[Machine]:
    """name: its host name."""
    require()
    root = system(release)
    held = os.open(
        root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    )  # `scripts/system` replaces no root in use
    scratch = Path(tempfile.mkdtemp(prefix="trimtab-systemd-"))
    called = f"{name}-{os.getpid()}"
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        with (scratch.with_suffix(".console")).open("w+") as console:
            process = _start(scratch, root, called, console.fileno())
            try:
                machine = Machine(release, called, _leader(process, console.name))
                _await_boot(machine)
                yield machine
            finally:
                _end(process)
    finally:
        sweep(scratch, called)
        os.close(held)


def may_raise_limits() -> bool:
    """Whether this machine lets root do so: CAP_SYS_RESOURCE, number 24."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return bool(int(status["CapEff"], 16) >> 24 & 1)


def _start(scratch: Path, root: Path, name: str, console: int) -> subprocess.Popen[bytes]:
    """What nspawn made goes on without it, so it is the first of processes of its own: with it they are all gone."""
    more = "--capability=CAP_SYS_RESOURCE" if may_raise_limits() else ""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         "sh", "-c", _BOOT, "sh", str(scratch), str(root), name, str(ROOT), more],
        stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=ENVIRONMENT,
    )  # fmt: skip


def _leader(process: subprocess.Popen[bytes], console: str) -> int:
    """The container's init, once it is systemd."""
    ends = time.monotonic() + BOOT_S
    while time.monotonic() < ends and process.poll() is None:
        for shell in _children(process.pid):
            if found := _init(shell):
                return found
        time.sleep(0.02)
    pytest.fail(f"systemd-nspawn did not boot (exit {process.poll()}):\n{Path(console).read_text()[-2000:]}")


def reboot(machine: Machine) -> None:
    """Its systemd goes down and another one comes up, on the same files and in a new network; nspawn sees to it."""
    before, nspawn = machine.leader, int(_status(machine.leader)["PPid"])
    shell = int(_status(nspawn)["PPid"])

    def another() -> bool:
        machine.leader = _init(shell) or before
        return machine.leader != before

    machine.run("systemctl", "reboot", fine=False)
    machine.until("another systemd is there", another, BOOT_S)
    _await_boot(machine)


def _init(shell: int) -> int:
    """0 while there is none: the child of nspawn, which is the child of the shell, which is the child of `unshare`."""
    found = [pid for nspawn in _children(shell) for pid in _children(nspawn) if _first_of_its_own(pid)]
    return found[0] if found else 0


def _status(pid: int) -> dict[str, str]:
    """Raises OSError for a process that is gone."""
    return dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _first_of_its_own(pid: int) -> bool:
    try:
        status = _status(pid)
    except OSError:
        return False
    return status["Name"].strip() == "systemd" and status["NSpid"].split()[2:] == ["1"]


def _await_boot(machine: Machine) -> None:
    said = ""

    def up() -> bool:
        nonlocal said
        said = machine.run("systemctl", "is-system-running", fine=False).text.strip()
        return said in ("running", "degraded")

    machine.until("systemd has booted", up, BOOT_S)
    failed = machine.run("systemctl", "--failed", "--no-legend", "--plain").text
    assert said == "running", f"{machine.name} is {said}: {failed}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """And wait for nspawn, the last of them to go."""
    nspawn = _children(process.pid)
    process.kill()
    process.wait()
    ends = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in nspawn) and time.monotonic() < ends:
        time.sleep(0.01)


def sweep(scratch: Path, name: str) -> None:
    """What outlives them: empty control groups and the empty folder. Mounts went with the process that held them."""
    if not Path("/run/systemd/system").is_dir():
        subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SWEEP, "sh", str(scratch), name],
            env=ENVIRONMENT, check=False,
        )  # fmt: skip
    scratch.rmdir()
    scratch.with_suffix(".console").unlink()


if __name__ == "__main__":  # python -m tests.systemd.nspawn_kit trixie: a look around
    with booted(sys.argv[1], "look") as machine:
        subprocess.run(
            ["nsenter", "--target", str(machine.leader), "--all", "--", "bash"], env=ENVIRONMENT, check=False
        )
