"""What can be told of nginx on its host: by the file that it was started with, and by its processes. The judges are pure."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from trimtab.agent_config import Unit
from trimtab.daemons.serving import Question, Serving
from trimtab.errors import BadInput

PID = Path("/run/nginx.pid")


def members(reply: str | None) -> dict[str, dict[str, int]] | None:
    """The file as a whole stands for its members: its hash as a number."""
    if reply is None:
        return None
    digest = hashlib.sha256(reply.encode()).digest()
    return {"pools.conf": {"sha256": int.from_bytes(digest[:6], "big")}}


def workers(reply: str | None) -> dict[str, Any] | None:
    """Of `pgrep -a nginx`: workers that end their last requests say `is shutting down`."""
    if reply is None:
        return None
    lines = [line for line in reply.splitlines() if "worker process" in line]
    leaving = [line for line in lines if "shutting down" in line]
    pids = [int(line.split()[0]) for line in lines if line not in leaving]
    return {"serving": sorted(pids), "leaving": sorted(int(line.split()[0]) for line in leaving), "failed": 0}


def release(reply: str | None) -> dict[str, str]:
    """`nginx version: nginx/1.22.1`."""
    found = re.search(r"nginx/(\d+\.\d+[.\d]*)", reply or "")
    return {"nginx": found[1]} if found else {}


async def full(unit: Unit, pid: Path = PID) -> bool:
    """Whether workers live and close what they have taken: none of them has a connection to spare. One that crashes
    closes it too, but then there is another one afterwards.
    """
    from trimtab.drivers import probe

    before = _children(pid)
    try:
        answer = await probe.ask(unit.probe)
    except BadInput:
        return False
    return answer.how == "cut" and bool(before) and before == _children(pid)


def _children(pid: Path) -> frozenset[str]:
    """Of the master; none where that cannot be read."""
    try:
        master = int(pid.read_text())
        return frozenset(Path(f"/proc/{master}/task/{master}/children").read_text().split())
    except (OSError, ValueError):
        return frozenset()


SERVES = Serving(
    members=Question(("cat", "/run/nginx/pools.conf"), members),
    workers=Question(("pgrep", "-a", "nginx"), workers),
    release=Question(("sh", "-c", f'"/proc/$(cat {PID})/exe" -v'), release),
    full=full,
    spoil=("/etc/nginx/nginx.conf", "s/^http {{/&\\n    server {{ listen 127.0.0.1:{port}; }}/"),
)
