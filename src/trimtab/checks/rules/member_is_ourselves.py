"""A pool member inside a prefix that we announce."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.addressing import FAMILIES
from trimtab.estate.reached import public_addresses

NAME = "member-is-ourselves"
SEVERITY = Severity.ERROR
TITLE = "a pool member inside a prefix that we announce"
WHY = (
    "The member's address leads back to our own proxies: each request goes round until a limit ends it, "
    "and one client fills the connection table of the whole site."
)
SOURCE = "RFC 9110, 7.6.3 (loops through intermediaries)"
BAD = """\
pools:
  web: {members: [{address: 203.0.113.10, port: 443}, {address: 192.0.2.7, port: 80}]}
"""
GOOD = """\
pools:
  web: {members: [{address: 192.0.2.6, port: 80}, {address: 192.0.2.7, port: 80}]}
"""
FIX = "Name the origin's own address."


def find(subject: Subject) -> Iterator[Hit]:
    ours = {p for s in subject.fronts for f in FAMILIES for p in subject.inventory.announced(s, f)}
    own = {a for s in subject.fronts for f in FAMILIES for a in public_addresses(subject.inventory, s, f)}
    for name, pool in subject.estate.pools.items():
        for index, member in enumerate(pool.members or ()):
            inside = next((p for p in sorted(ours, key=str) if member.address in p), None)
            what = f"lies in {inside}, which this estate announces" if inside else ""
            if member.address in own:
                what = "is the public address of one of our proxies"
            if what:
                yield Hit(
                    ("pools", name, "members", index, "address"),
                    f"{member.address} {what}: requests come back to the proxies",
                    "name the origin's own address",
                )
