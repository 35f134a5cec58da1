"""Regions without `default`."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "no-default-region"
SEVERITY = Severity.WARNING
TITLE = "regions without `default`"
WHY = (
    "A client whose address no region has is nobody's: its answer is left to chance, and no drill "
    "measures what it sees. New address blocks are in no table for weeks."
)
SOURCE = "docs/estate.md, regions"
BAD = """\
regions:
  asia: {at: [25.0, 121.5]}
"""
GOOD = """\
regions:
  asia: {at: [25.0, 121.5]}
  default: {at: [50.1, 8.7]}
"""
FIX = "Add `default: {at: […]}`; in `steering.regions` give `default` its sites."


def find(subject: Subject) -> Iterator[Hit]:
    regions = subject.estate.regions
    if regions and "default" not in regions:
        yield Hit(
            ("regions",),
            f"{len(regions)} region{'s' if len(regions) > 1 else ''} and no `default`: everybody else is not measured",
            "add `default: {at: [latitude, longitude]}`",
        )
    for loc, steering in subject.steerings():
        if steering.regions and "default" not in steering.regions:
            yield Hit(
                (*loc, "regions"), "clients outside these regions have no site", "add `default: [SITE, …]`"
            )
