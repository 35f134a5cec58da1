"""nginx: an engine of the proxies."""

from __future__ import annotations

import re

from trimtab.daemons.base import Daemon, TakesUp
from trimtab.daemons.front.daemon import MEMBERS_HOOK
from trimtab.daemons.nginx.asked import SERVES
from trimtab.daemons.took import new_worker
from trimtab.daemons.validator import Validator


def _ask(path: str) -> list[str]:
    """`nginx -t` binds what it would listen on, so the namespace allows addresses that VRRP would bring."""
    allow = "for v in 4 6; do echo {} > /proc/sys/net/ipv$v/ip_nonlocal_bind; done"
    test = (
        f'mkdir -p /run/nginx; {MEMBERS_HOOK} nginx /usr/sbin/nginx -e stderr -t -q -g "user root;" -c "$0"'
    )
    return ["sh", "-c", f"{allow.format(1)}; {test}; code=$?; {allow.format(0)}; exit $code", path]


DAEMON = Daemon(
    "nginx",
    programs={"nginx": "nginx-light"},
    units=("nginx.service",),
    takes_up=TakesUp.SERVES,
    judge=Validator(
        "nginx",
        "nginx-light",
        _ask,
        where=re.compile(r"in (?P<file>/\S+?):(?P<line>\d+)"),
        folder="/usr/sbin",
    ),
    took=new_worker,
    serves=SERVES,
)
