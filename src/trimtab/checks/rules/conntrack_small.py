"""A connection table smaller than what the proxy accepts."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "conntrack-small"
SEVERITY = Severity.ERROR
TITLE = "a connection table smaller than what the proxy accepts"
WHY = (
    "Where the kernel tracks connections, each proxied one takes two entries, one to the client and one "
    "to the member. A full table drops packets of everybody, established connections and SSH included."
)
SOURCE = "Linux Documentation/networking/nf_conntrack-sysctl.rst, nf_conntrack_max"
BAD = """\
kernel: {conntrack: 30000}
"""
GOOD = """\
kernel: {conntrack: 2000000}
"""
FIX = "Set `kernel.conntrack` to four times `maxconn` or more."


def find(subject: Subject) -> Iterator[Hit]:
    most = subject.estate.tiers.proxy.maxconn
    loc, table = subject.setting("conntrack", "net.netfilter.nf_conntrack_max", "net.nf_conntrack_max")
    if table < 2 * most:
        yield Hit(
            loc,
            f"`maxconn` {most:,} takes {2 * most:,} entries, the table has {table:,}",
            f"set `{loc[-1]}` to {4 * most} or more",
        )
