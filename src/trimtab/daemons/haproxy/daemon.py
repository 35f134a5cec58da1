"""HAProxy: an engine of the proxies."""

from __future__ import annotations

import re

from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.front.daemon import MEMBERS_HOOK
from trimtab.daemons.haproxy import ready
from trimtab.daemons.haproxy.asked import SERVES
from trimtab.daemons.took import new_worker
from trimtab.daemons.validator import Validator


def _ask(path: str) -> list[str]:
    judge = f"/usr/sbin/haproxy -c -f {path} -f /run/haproxy/pools.cfg"
    return ["sh", "-c", f"mkdir -p /run/haproxy; exec {MEMBERS_HOOK} haproxy {judge}"]


DAEMON = Daemon(
    "haproxy",
    programs={"haproxy": "haproxy"},
    units=("haproxy.service",),
    takes_up=TakesUp.SERVES,
    judge=Validator(
        "haproxy",
        "haproxy",
        _ask,
        where=re.compile(r"\[(?P<file>/[^\]:]+):(?P<line>\d+)\]"),
        folder="/usr/sbin",
    ),
    probes=(ready.SERVERS,),
    took=new_worker,
    serves=SERVES,
)
