"""A twin too small for the fault to be the real one."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.lans import group_of

NAME = "twin-hides-redundancy"
SEVERITY = Severity.WARNING
TITLE = "a twin too small for the fault to be the real one"
WHY = (
    "`twin.at_most` makes the copy on your machine smaller. With one proxy or one voter left in it, a "
    "drill takes out the only one where the estate has a spare, and measures another estate than yours."
)
SOURCE = "docs/drills.md; docs/twin.md"
BAD = """\
twin: {at_most: {proxy: 1, backend: 2}}
"""
GOOD = """\
twin: {at_most: {proxy: 2, backend: 2}}
"""
FIX = "Leave at least 2 of each group whose loss a drill tests; 3 voters of a store in one site."


TESTED = frozenset({"gateway", "vips", "members", "store"})


def find(subject: Subject) -> Iterator[Hit]:
    for group, most in subject.estate.twin.at_most.items():
        declared = group_of(subject.estate, group)
        if declared is None or not subject.estate.roles.duties(declared.roles) & TESTED:
            continue
        site = next(
            (s for s in subject.inventory.site_names() if len(subject.inventory.in_group(s, group)) >= 2),
            None,
        )
        if most == 1 and site:
            real = len(subject.inventory.in_group(site, group))
            yield Hit(
                ("twin", "at_most", group),
                f"{site} has {real} hosts of {group} and the twin 1: a drill that stops it tests another estate",
                "write 2 or more",
            )
