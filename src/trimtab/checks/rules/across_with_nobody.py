"""`across` on a pool that no other site has."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.daemons.across import having, helped

NAME = "across-with-nobody"
SEVERITY = Severity.ERROR
TITLE = "`across` on a pool that no other site has"
WHY = (
    "`across` lets the proxies ask another site when a pool has too few healthy members at their own. Only a site with "
    "proxies and with members of the pool can answer. Where there is none beside their own, the key does nothing: a "
    "pool that is lost at its site is lost."
)
SOURCE = "docs/estate.md, pools, across"
BAD = """\
pools:
  web: {hosts: blue, port: 8080, across: nearest, check: {get: /health}}
"""
GOOD = """\
pools:
  web: {hosts: backend, port: 8080, across: nearest, check: {get: /health}}
"""
FIX = "Have members of the pool, and proxies, in a second site; or leave `across` out."


def find(subject: Subject) -> Iterator[Hit]:
    for name, pool in subject.used_pools():
        if pool.across and not helped(subject.inventory, pool):
            sites = having(subject.inventory, pool)
            where = f"only {sites[0]} has" if sites else "no site with proxies has"
            yield Hit(
                ("pools", name, "across"),
                f"{where} members of {name}: there is nobody else to ask",
                "give a second site members and proxies, or leave `across` out",
            )
