"""etcd: each site's registry, the estate's own store, and stores of applications."""

from __future__ import annotations

import re

from trimtab.daemons.base import Daemon
from trimtab.daemons.etcd import ready
from trimtab.daemons.reply import Reply
from trimtab.daemons.validator import Validator


def _ask(path: str) -> list[str]:
    return ["timeout", "5", "etcd", "--config-file", path]


def _accepts(reply: Reply) -> bool:
    """etcd has no check mode. In a namespace without its address, a good file gets as far as the listening socket."""
    return "cannot assign requested address" in reply.text


DAEMON = Daemon(
    "etcd",
    programs={"etcd": "etcd-server", "etcdctl": "etcd-client"},
    units=("etcd-*.service",),
    judge=Validator("etcd", "etcd-server", _ask, _accepts),
    at_birth=re.compile(r"(?m)^initial-cluster: .*\n"),  # it knows its members from its data afterwards
    probes=(ready.HEALTH,),
)
