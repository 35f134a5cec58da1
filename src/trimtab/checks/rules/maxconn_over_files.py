"""More connections than the kernel has file handles for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.rendered import open_files

NAME = "maxconn-over-files"
SEVERITY = Severity.ERROR
TITLE = "more connections than the kernel has file handles for"
WHY = (
    "Each proxied connection needs two, those of HAProxy 2.6's second stage, of other sites and of health come beside "
    "`maxconn`, and a process gets no more than fs.nr_open, a million by default. systemd cannot set the limit that the "
    "unit asks for, and the proxy does not start."
)
SOURCE = (
    "systemd.exec(5), LimitNOFILE; Linux Documentation/admin-guide/sysctl/fs.rst, nr_open (default 1,048,576)"
)
BAD = """\
tiers:
  proxy: {maxconn: 1000000}
"""
GOOD = """\
tiers:
  proxy: {maxconn: 120000}
"""
FIX = "Lower `maxconn`, or raise `fs.nr_open` in `kernel.sysctl`."


DEFAULT_NR_OPEN = 1_048_576
LEAST_MAXCONN = 100  # what the key takes
BESIDE = 8192  # what the unit has for checked servers and the rest, daemons/haproxy/unit.py


def find(subject: Subject) -> Iterator[Hit]:
    kernel = subject.estate.kernel
    stated = kernel.sysctl.get("fs.nr_open", "")
    limit = int(stated) if stated.isascii() and stated.isdigit() else DEFAULT_NR_OPEN
    most, inventory = subject.estate.tiers.proxy.maxconn, subject.inventory
    site, needed = max(
        ((site, open_files(inventory, site)) for site in subject.fronts), key=lambda x: x[1], default=("", 0)
    )
    if needed > limit:
        room = bisect_right(range(most), limit, key=lambda public: open_files(inventory, site, public)) - 1
        lower = f"lower `maxconn` to {room}, or " if room >= LEAST_MAXCONN else ""
        yield Hit(
            ("tiers", "proxy", "maxconn"),
            f"`maxconn` {most:,} needs {needed:,} file handles, fs.nr_open is {limit:,}: the proxy does not start",
            f"{lower}set `fs.nr_open` to {needed} or more in `kernel.sysctl`",
        )
