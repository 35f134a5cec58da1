"""A set of files judged by the daemons of the host that gets it, at their real paths, before anything there reads them.

In namespaces of the judge's own the new set lies where the current one does: nothing is bound, nothing is written in /run or
/var/lib, and no track file of the running host is touched.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from trimtab.daemons.artifact import Artifact
from trimtab.daemons.reply import Reply
from trimtab.daemons.table import table
from trimtab.errors import DaemonRefused, EnvironmentUnable

ALONE = (
    "unshare",
    "--mount",
    "--net",
    "--pid",
    "--uts",
    "--ipc",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
)
READY = "trimtab-trial"
LIMIT_S = 60
SETUP = """
set -e
mount -t tmpfs tmpfs /run
for dir in /var/log /var/lib /var/cache; do mount -t tmpfs tmpfs $dir; done
mkdir -p /var/cache/nginx /var/lib/haproxy
ip link set lo up
for name in {interfaces}; do ip link add "$name" type bridge; done
mount --bind {new} {current}
set +e
printf '%s\\0' {ready}
"""
ASK = "said=$({command} 2>&1 < /dev/null); printf '%s\\0%s\\0' $? \"$said\"\n"


def judged(artifacts: Sequence[Artifact], paths: set[str]) -> list[Artifact]:
    """Those that a daemon can judge, and that changed (`paths`) or are read by a daemon of which another file did."""
    units = {a.unit for a in artifacts if a.path in paths and a.unit}
    return [a for a in artifacts if a.validator and (a.path in paths or a.unit in units)]


def script(asked: Sequence[Artifact], new: Path, current: Path, interfaces: Iterable[str]) -> str:
    """Shell for the namespaces: NUL-separated READY, then status and words of each."""
    text = SETUP.format(
        interfaces=" ".join(map(shlex.quote, interfaces)),
        new=shlex.quote(str(new)),
        current=shlex.quote(str(current)),
        ready=READY,
    )
    commands = [table().judge(a.validator or "").ask(a.path) for a in asked]
    return text + "".join(ASK.format(command=shlex.join(command)) for command in commands)


def interfaces(asked: Sequence[Artifact]) -> list[str]:
    """Of this host, those that the files speak of. One that it has not yet is none: keepalived would refuse the file when it
    is too late.
    """
    said = {word for artifact in asked for word in artifact.content.split()}
    return sorted(name for _, name in socket.if_nameindex() if name != "lo" and name in said)


def refusals(asked: Sequence[Artifact], output: str) -> list[str]:
    """What the daemons say against the files. Raises EnvironmentUnable where they could not be asked."""
    ready, *told = output.split("\0")
    if ready != READY:
        raise EnvironmentUnable(f"the files cannot be tried on this host: {output.strip()[-300:]}")
    found = []
    for artifact, code, said in zip(asked, told[0::2], told[1::2], strict=False):
        validator = table().judge(artifact.validator or "")
        if not validator.accepts(Reply(int(code), said)):
            found.append(f"{artifact.path} refused by {validator.program}: {said.strip()[:600]}")
    if len(told) // 2 < len(asked):
        raise EnvironmentUnable("the daemons of this host did not finish judging the files")
    return found


def run(artifacts: Sequence[Artifact], paths: set[str], new: Path, current: Path) -> None:
    """Raises DaemonRefused with every refusal, EnvironmentUnable."""
    if not (asked := judged(artifacts, paths)):
        return
    command = [*ALONE, "sh", "-c", script(asked, new, current, interfaces(asked))]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnable(
            f"the daemons of this host did not judge the files within {LIMIT_S} s",
            "the host keeps what it had; ask again",
        ) from error
    if found := refusals(asked, done.stdout or done.stderr):
        raise DaemonRefused("\n".join(found), "the host keeps the files that it had")
