"""HAProxy, asked over its stats socket."""

from __future__ import annotations

import csv
import shlex

from trimtab.daemons.probe import Args, Probe
from trimtab.daemons.reply import TRUE, Reply, Verdict, false, refused, unknown

SOCKET = "/run/haproxy/admin.sock"
# Rows of `show stat` that stand for a proxy, not for a server.
PROXIES = ("FRONTEND", "BACKEND")


def ask(args: Args) -> list[str]:
    """args: the backends to look at (`api`, `api=3`); without any, all."""
    return ["sh", "-c", f"echo 'show stat' | exec socat -t2 - UNIX-CONNECT:{shlex.quote(SOCKET)}"]


def judge(args: Args, reply: Reply) -> Verdict:
    """Every server of the backends is UP, or is not checked at all; those in maintenance do not count. An argument
    `api=3` wants so many of them.
    """
    if bad := refused(reply):
        return bad
    rows = list(csv.DictReader(reply.text.removeprefix("# ").splitlines()))
    servers = [row for row in rows if row.get("svname") not in PROXIES and row.get("type") == "2"]
    wanted = {name: int(count or 1) for name, _, count in (arg.partition("=") for arg in args)}
    servers = [row for row in servers if not wanted or row.get("pxname") in wanted]
    if not servers:
        return unknown("no server in the statistics")
    working = [row for row in servers if not row["status"].startswith("MAINT")]
    down = [f"{row['pxname']}/{row['svname']} {row['status']}" for row in working if not _up(row["status"])]
    for name, count in wanted.items():
        here = sum(row["pxname"] == name for row in working)
        if here < count:
            down.append(f"{name} has {here} of {count} members")
    if not down:
        return TRUE
    return false(", ".join(down[:2]) + (f" and {len(down) - 2} more" if len(down) > 2 else ""))


def _up(status: str) -> bool:
    """`UP 1/3` is on its way down and still counts: so HAProxy itself sees it."""
    return status.startswith("UP") or status == "no check"


SERVERS = Probe("haproxy", ask, judge, after=1)
