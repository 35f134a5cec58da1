"""One site carries the estate."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "one-site"
SEVERITY = Severity.WARNING
TITLE = "one site carries the estate"
WHY = (
    "Power, cooling, a cut duct, a fire alarm: whole sites are lost, and no pair of machines inside "
    "helps. With a second one BGP moves the clients within a second."
)
SOURCE = "The twin's site-power-cut drill; reports of lost data centres are public"
BAD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
GOOD = """\
sites:
  one:
    hosts: {router: 2, proxy: 2, backend: 4}
  two:
    hosts: {router: 2, proxy: 2, backend: 4}
"""
FIX = "Add a second site, or accept it with the reason why losing the place may end the service."


def find(subject: Subject) -> Iterator[Hit]:
    if len(subject.fronts) == 1 and subject.estate.services:
        site = next(iter(subject.fronts))
        yield Hit(
            ("sites", site),
            f"{site} is the only site that serves: with it gone, nothing answers",
            "add a second site with proxies and a covering prefix in edge.anycast",
        )
