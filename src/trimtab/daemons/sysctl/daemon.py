"""sysctl: the kernel's settings of a host."""

from __future__ import annotations

from trimtab.daemons.base import Daemon
from trimtab.daemons.reply import Reply
from trimtab.daemons.validator import Validator

# Written with a leading `-`: they may be absent.
OPTIONAL = (
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.core.netdev_max_backlog",
    "net.netfilter.nf_conntrack_max",
    "net.ipv4.neigh.default.gc_thresh",
    "net.ipv6.neigh.default.gc_thresh",
)


def _accepts(reply: Reply) -> bool:
    """Anything that sysctl complains of is a fault, but for keys that may be absent."""
    complaints = [line for line in reply.text.splitlines() if line.startswith("sysctl:")]
    return all(any(key in line.replace("/", ".") for key in OPTIONAL) for line in complaints)


DAEMON = Daemon(
    "sysctl",
    programs={"sysctl": "procps"},
    judge=Validator(
        "sysctl", "procps", lambda path: ["sysctl", "--dry-run", "-p", path], _accepts, folder="/usr/sbin"
    ),
)
