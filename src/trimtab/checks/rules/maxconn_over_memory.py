"""More connections than the memory holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.haproxy.connections import places
from trimtab.estate.amount import size_text

NAME = "maxconn-over-memory"
SEVERITY = Severity.ERROR
TITLE = "more connections than the memory holds"
WHY = (
    "HAProxy gives each active connection two buffers of 16 kB. At `maxconn` it needs them all at once, "
    "besides TLS and the kernel's own; then the machine swaps or kills the proxy at the very moment of "
    "the peak."
)
SOURCE = "HAProxy Configuration Manual 3.2, `tune.bufsize`; HAProxy Management Guide, memory"
BAD = """\
tiers:
  proxy: {maxconn: 500000}
hardware:
  lb: {cores: 8, memory: 16GB, nic: 25Gbps}
groups:
  proxy: {hardware: lb}
"""
GOOD = """\
tiers:
  proxy: {maxconn: 120000}
hardware:
  lb: {cores: 8, memory: 16GB, nic: 25Gbps}
groups:
  proxy: {hardware: lb}
"""
FIX = "Lower `maxconn`, or take more memory."


BYTES_A_CONNECTION = 2 * 16384
LEAST_MAXCONN = 100  # what the key takes
SHARE = 0.75  # of the memory; TLS, the kernel's buffers and the system need the rest


def find(subject: Subject) -> Iterator[Hit]:
    most = subject.estate.tiers.proxy.maxconn
    for group, site in sorted(
        {subject.inventory.front(site)[0].group: site for site in subject.fronts}.items()
    ):
        machine = subject.hardware(group)
        needed = BYTES_A_CONNECTION * _held(subject, site, most)
        if machine is not None and needed > SHARE * machine.memory:
            held = int(SHARE * machine.memory / BYTES_A_CONNECTION)
            room = bisect_right(range(most), held, key=partial(_held, subject, site)) - 1
            lower = f"lower `maxconn` to {room}, or " if room >= LEAST_MAXCONN else ""
            yield Hit(
                ("tiers", "proxy", "maxconn"),
                f"`maxconn` {most:,} needs {size_text(needed)} for buffers alone, {group} has "
                f"{size_text(machine.memory)}",
                f"{lower}take more memory",
            )


def _held(subject: Subject, site: str, public: int) -> int:
    """Connections, with those of other sites' proxies and of the second stage, where the public ones are so many."""
    found = places(subject.inventory, site, public)
    return public + found.across + found.once
