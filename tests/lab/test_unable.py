"""Machines that cannot hold a twin, made by namespaces that lack what is needed: the error says the way out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.twin

INSIDE = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--",
    "sh",
    "-c",
)
STARTER = """
import sys
sys.path.insert(0, {tests!r})
from lab_kit import small_topology
from trimtab.errors import EnvironmentUnable
from trimtab.lab.client import start
try:
    start(small_topology("unable"))
except EnvironmentUnable as error:
    print(error.message, "|", error.hint)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize(
    ("spoil", "what", "way_out"),
    [
        (
            "echo 0 > /proc/sys/user/max_user_namespaces",
            "user namespaces are forbidden on this machine (user.max_user_namespaces=0)",
            "as root: sysctl -w user.max_user_namespaces=10000",
        ),
        (
            "mount -t tmpfs tmpfs /proc/irq",
            "a fresh /proc cannot be mounted here",
            "systempaths=unconfined",
        ),
    ],
)
def test_the_reason_and_the_way_out(twins: Path, spoil: str, what: str, way_out: str) -> None:
    script = f'{spoil} && exec "$0" -c "$1"'
    starter = STARTER.format(tests=str(Path(__file__).parent))
    done = subprocess.run(
        [*INSIDE, script, sys.executable, starter], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert what in done.stdout and way_out in done.stdout
    assert list(twins.iterdir()) == []
