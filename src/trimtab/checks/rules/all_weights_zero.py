"""Every member of a pool has the weight 0."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "all-weights-zero"
SEVERITY = Severity.ERROR
TITLE = "every member of a pool has the weight 0"
WHY = (
    "A weight of 0 takes a member out of the balancing. With all of them out, every request is answered "
    "503 while every check is green."
)
SOURCE = "HAProxy Configuration Manual 5.2, `weight`"
BAD = """\
pools:
  web: {members: [{address: 192.0.2.6, port: 80, weight: 0}, {address: 192.0.2.7, port: 80, weight: 0}]}
"""
GOOD = """\
pools:
  web: {members: [{address: 192.0.2.6, port: 80}, {address: 192.0.2.7, port: 80, weight: 0}]}
"""
FIX = "Give at least one member a weight; with nginx, one that is no backup."


def find(subject: Subject) -> Iterator[Hit]:
    haproxy = subject.estate.tiers.proxy.engine == "haproxy"
    for name, pool in subject.estate.pools.items():
        # HAProxy serves by backups when no regular member can; nginx does not start without a regular one
        serving = [m for m in pool.members or () if haproxy or not m.backup]
        if pool.members and not any(m.weight for m in serving):
            what = "" if haproxy else "regular "
            yield Hit(
                ("pools", name, "members"),
                f"none of the {len(serving)} {what}members of {name} has a weight: every answer is 503",
                "give at least one a weight",
            )
