"""Which generation of a site's proxies serves: HAProxy's own master is asked (management guide, 9.4 `show proc`),
nginx's processes are counted by what they call themselves."""

from __future__ import annotations

import re
from typing import Any

from trimtab.drills.ask import ask_if_there
from trimtab.drills.scene import LabLike, Scene

MASTER = ("socat", "-t5", "-", "UNIX-CONNECT:/run/haproxy/master.sock")
NGINX = ("pgrep", "-a", "nginx")


def look(lab: LabLike, scene: Scene, site: str) -> dict[str, Any]:
    """By proxy {"serving": [pid], "leaving": [pid], "failed": failed reloads}, None where nothing answers."""
    place = scene.site(site)
    if scene.engine == "haproxy":
        return {p: judge_haproxy(ask_if_there(lab, p, MASTER, "show proc\n")) for p in place.proxies}
    return {p: judge_nginx(ask_if_there(lab, p, NGINX)) for p in place.proxies}


def judge_haproxy(reply: str | None) -> dict[str, Any] | None:
    """A reply of `show proc`. After a failed reload the old worker goes on serving and `failed` counts it."""
    if reply is None:
        return None
    workers, _, old = reply.partition("# old workers")
    failed = re.search(r"\[failed: (\d+)\]", reply)
    pids = re.compile(r"(?m)^(\d+)\s+worker\s")
    return {
        "serving": sorted(map(int, pids.findall(workers))),
        "leaving": sorted(map(int, pids.findall(old))),
        "failed": int(failed[1]) if failed else 0,
    }


def judge_nginx(reply: str | None) -> dict[str, Any] | None:
    """Output of `pgrep -a nginx`: workers that end their last requests say `is shutting down`."""
    if reply is None:
        return None
    lines = [line for line in reply.splitlines() if "worker process" in line]
    leaving = [line for line in lines if "shutting down" in line]
    pids = [int(line.split()[0]) for line in lines if line not in leaving]
    return {"serving": sorted(pids), "leaving": sorted(int(line.split()[0]) for line in leaving), "failed": 0}
