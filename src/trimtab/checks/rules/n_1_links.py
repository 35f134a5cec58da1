"""A private path narrower than what may have to cross it."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import bandwidth_text

NAME = "n-1-links"
SEVERITY = Severity.WARNING
TITLE = "a private path narrower than what may have to cross it"
WHY = (
    "A request that reaches another site by the covering prefix goes on over the private path while the "
    "site still announces its own one there. When a site loses its upstreams but not its power, that is "
    "its whole share of the peak, until somebody takes it out."
)
SOURCE = "docs/estate.md, edge; RFC 4632, 5.1 (longest match)"
BAD = """\
objectives: {peak: {bandwidth: 40Gbps}}
links:
  - {between: [one, two], rtt: 35ms, bandwidth: 1Gbps}
"""
GOOD = """\
objectives: {peak: {bandwidth: 40Gbps}}
links:
  - {between: [one, two], rtt: 35ms, bandwidth: 100Gbps}
"""
FIX = "Widen the path to a site's share of the peak."


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    if asked is None or asked.bandwidth is None or not subject.fronts:
        return
    share = asked.bandwidth / len(subject.fronts)
    for index, link in enumerate(subject.estate.links):
        if link.bandwidth is not None and link.bandwidth < share and set(link.between) <= set(subject.fronts):
            yield Hit(
                ("links", index, "bandwidth"),
                f"{' to '.join(link.between)} carries {bandwidth_text(link.bandwidth)}; a site's share of the peak is "
                f"{bandwidth_text(share)}, and crosses it when the site loses its upstreams",
                "widen the path to that share",
            )
