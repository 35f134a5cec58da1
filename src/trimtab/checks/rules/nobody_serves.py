"""Services, and no proxy anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "nobody-serves"
SEVERITY = Severity.ERROR
TITLE = "services, and no proxy anywhere"
WHY = (
    "Only hosts with the role `proxy` hold the addresses of services and announce them. A range counts with "
    "its low end: `0..4` runs none now. Without any, no name is answered, and no other rule finds a site to judge."
)
SOURCE = "docs/estate.md, sites"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 0..4, backend: 4}
  two:
    hosts: {router: 2, backend: 4}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2..4, backend: 4}
  two:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Write `proxy: 2` in every site that serves; of a range the low end counts."


def find(subject: Subject) -> Iterator[Hit]:
    services = subject.estate.services
    if services and not subject.fronts:
        yield Hit(
            ("sites",),
            f"{len(services)} service{'s' if len(services) > 1 else ''} and no proxy in any site: nothing answers",
            "write `proxy: 2` in the sites that serve; of a range the low end counts",
        )
