"""Steering or DNS hosts, which this release does not serve."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "steering-not-served"
SEVERITY = Severity.WARNING
TITLE = "steering or DNS hosts, which this release does not serve"
WHY = (
    "Checks and predictions read them, but no DNS server is rendered yet: the hosts with the role `dns` "
    "get no configuration for one, and no answer follows the policy. Something else has to serve the "
    "zone."
)
SOURCE = "docs/estate.md, steering"
BAD = """\
edge:
  steering: {policy: distance}
"""
GOOD = """\
edge:
  anycast: {prefixes: [203.0.113.0/24, 198.18.0.0/22]}
"""
FIX = "Serve the zone by what you have today, and accept this finding with its name as the reason."


def find(subject: Subject) -> Iterator[Hit]:
    for loc, steering in subject.steerings():
        yield Hit(
            loc,
            f"the policy `{steering.policy}` is checked, but this release renders no DNS server that answers by it",
            "serve the zone by what you have today",
        )
    nodes = subject.inventory.on_duty("dns")
    if nodes:
        yield Hit(
            ("sites", nodes[0].site, "hosts", nodes[0].group),
            f"hosts with the role `dns` ({len(nodes)}) are counted, but get no DNS server",
            "serve the zone by what you have today",
        )
