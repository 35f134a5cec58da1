"""Start a twin's processes in the background, wait until they answer, give up on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from trimtab import codec
from trimtab.errors import EnvironmentUnable, PackageMissing, TwinFailed
from trimtab.lab import diagnose, relay, state, system, twin
from trimtab.lab.guardian import KEEP
from trimtab.lab.node import read_unit
from trimtab.lab.topology import Topology

PROGRAMS = {
    "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux", "setsid": "util-linux",
    "flock": "util-linux", "mount": "mount", "ip": "iproute2", "tini": "tini", "sh": "dash",
}  # fmt: skip

INSTALLED = ("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")  # where a package puts what a unit starts

# The folder is deleted only under its lock, so never from under a twin that has just claimed it (`/.`: or flock would
# make a file of that name). Several tries: the twin's processes may write a last line while they are dying.
JANITOR = """
cat >/dev/null
for try in 1 2 3 4 5 6 7 8 9; do
    test -d "$1" || exit
    flock -n "$1/." rm -rf -- "$1"
    sleep 0.1
done
"""


def spawn(topology: Topology) -> subprocess.Popen[bytes]:
    """Claim the state folder and start the guardian. Raises BadInput, PackageMissing, EnvironmentUnable."""
    twin.check(topology)
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=search_path()) is None:
            raise PackageMissing(program, package)
    held = _hold_systems(topology)
    if any(segment.delay_ms is not None for segment in topology.segments):
        relay.build()
    lock = state.claim(topology.name)
    path = state.state_dir(topology.name)
    life = _hire_janitor(path)
    try:
        (path / "topology.json").write_text(codec.dumps(topology))
        with (path / "owner.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "trimtab.lab.guardian", str(path), repr(time.monotonic())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(lock, life, *held),
                start_new_session=True,
                env=child_environment(),
            )
    finally:
        for fd in (lock, life, *held):  # outer has its own copies; without one, the janitor begins its work
            os.close(fd)


def _hold_systems(topology: Topology) -> list[int]:
    """Locks on the systems of its hosts, which `scripts/system` does not replace meanwhile. Raises as `system.require`."""
    programs: dict[str, set[str]] = {}
    for node in topology.nodes:
        if node.system:
            units = [read_unit(node, name) for name in node.units]
            found = {each.argv[0] for unit in units for each in (*unit.start_pre, *unit.start, *unit.reload)}
            programs.setdefault(node.system, set()).update(p for p in found if p.startswith(INSTALLED))
    folders = [system.require(release, found) for release, found in sorted(programs.items())]
    return [system.hold(folder) for folder in folders]


def _hire_janitor(path: Path) -> int:
    """Start what deletes `path` when the last copy of the returned file descriptor is closed, however that comes."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", JANITOR, "sh", str(path)],
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            check=True,
        )
    finally:
        os.close(reader)
    return writer


def await_socket(name: str, process: subprocess.Popen[bytes], timeout: float = 15) -> None:
    """Wait until the owner answers. Raises TwinFailed, or EnvironmentUnable with the reason found."""
    deadline = time.monotonic() + timeout
    path = state.state_dir(name)
    while time.monotonic() < deadline and process.poll() is None:
        try:
            state.connect(path).close()
        except OSError:
            time.sleep(0.01)
            continue
        return
    log = state.log_tail(path)
    reason = diagnose.why_not()
    if reason:
        raise EnvironmentUnable(*reason)
    raise TwinFailed(f"twin {name} did not start", log)


def let_stay(process: subprocess.Popen[bytes]) -> None:
    """The twin is ready and stays when the starting process ends."""
    if process.stdin is None:
        raise ValueError("outer was started without a pipe")
    process.stdin.write(KEEP)
    process.stdin.close()


def abandon(process: subprocess.Popen[bytes], timeout: float = 10) -> None:
    """Take down a twin that is not ready, and wait for that."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def search_path() -> str:
    """PATH with the places of system programs, which an ordinary user's PATH may lack."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/local/sbin:/usr/sbin:/sbin"


def child_environment() -> dict[str, str]:
    """For our own python processes: they find this very package, in whatever way it was found here."""
    package = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PATH": search_path(), "PYTHONPATH": f"{package}:{known}" if known else package}
