"""What HAProxy tells of itself on its host (management guide, 9.3 `show servers state`, `show servers conn`, `show info`;
9.4 `show proc`). The judges are pure.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from trimtab.agent_config import Unit
from trimtab.daemons.haproxy import ready
from trimtab.daemons.haproxy.dumps import ServerState, read_servers
from trimtab.daemons.haproxy.words import STAGE
from trimtab.daemons.serving import Question, Serving
from trimtab.errors import DriverError

RUNTIME = ("socat", "-t5", "-", f"UNIX-CONNECT:{ready.SOCKET}")
MASTER = ("socat", "-t5", "-", "UNIX-CONNECT:/run/haproxy/master.sock")
NOT_OWN = ("--panic", "--patient", "--across", STAGE)
ADDRESS, USED_NOW = 2, 6  # columns of `show servers conn`


def members(reply: str | None) -> dict[str, dict[str, int]] | None:
    """What is left out: a pool's other backends, other sites' proxies, the second stage, members in maintenance, places in
    store.
    """
    if (servers := _servers(reply)) is None:
        return None
    found: dict[str, dict[str, int]] = {}
    for server in servers:
        if not server.maint and not server.backend.endswith(NOT_OWN):
            found.setdefault(server.backend, {})[f"{server.address}:{server.port}"] = server.weight
    return found


def alive(reply: str | None) -> int:
    return sum(server.up and not server.maint for server in _servers(reply) or ())


def _servers(reply: str | None) -> list[ServerState] | None:
    """None for what is no reply of `show servers state`."""
    try:
        return list(read_servers((reply or "").strip() + "\n"))
    except DriverError:
        return None


def workers(reply: str | None) -> dict[str, Any] | None:
    """After a failed reload the old worker goes on serving and `failed` counts it."""
    if reply is None:
        return None
    now, _, old = reply.partition("# old workers")
    failed = re.search(r"\[failed: (\d+)\]", reply)
    pids = re.compile(r"(?m)^(\d+)\s+worker\s")
    return {
        "serving": sorted(map(int, pids.findall(now))),
        "leaving": sorted(map(int, pids.findall(old))),
        "failed": int(failed[1]) if failed else 0,
    }


def release(reply: str | None) -> dict[str, str]:
    """`Version: 2.6.12-1+deb12u4`."""
    found = re.search(r"(?m)^Version: (\d+\.\d+[.\d]*)", reply or "")
    return {"haproxy": found[1]} if found else {}


def busy(reply: str | None) -> Counter[str]:
    """Idle connections, which HAProxy keeps, are none that is under way."""
    found = Counter[str]()
    for row in (line.split() for line in (reply or "").splitlines()[1:]):
        if len(row) > USED_NOW:
            found[row[ADDRESS]] += int(row[USED_NOW])
    return found


async def full(unit: Unit) -> bool:
    """Whether the admin socket answers. At its `maxconn` HAProxy accepts on no other listener, and works."""
    from trimtab.daemons.haproxy.client import Runtime

    try:
        return not (await Runtime(ready.SOCKET).info()).stopping
    except DriverError:
        return False


SERVES = Serving(
    members=Question(RUNTIME, members, "show servers state\n"),
    workers=Question(MASTER, workers, "show proc\n"),
    release=Question(RUNTIME, release, "show info\n"),
    full=full,
    spoil=("/etc/haproxy/haproxy.cfg", "$a frontend drill\\n    bind 127.0.0.1:{port}"),
    busy=Question(RUNTIME, busy, "show servers conn\n"),
    alive=Question(RUNTIME, alive, "show servers state\n"),
    up=ready.SERVERS,
    in_place=True,
    keeps=True,
)
