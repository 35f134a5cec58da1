"""Fewer connections than the peak holds open."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import rate_text

NAME = "n-1-connections"
SEVERITY = Severity.ERROR
TITLE = "fewer connections than the peak holds open"
WHY = (
    "A client keeps its connection between requests. At `maxconn` the proxy closes what comes beyond it "
    "at once. The arithmetic takes one request a second on each "
    "connection."
)
SOURCE = "HAProxy Configuration Manual 3.2, `maxconn`; Little's law"
BAD = """\
objectives: {peak: {requests: 80k/s}}
tiers:
  proxy: {maxconn: 20000}
"""
GOOD = """\
objectives: {peak: {requests: 80k/s}}
tiers:
  proxy: {maxconn: 120000}
"""
FIX = "Raise `tiers.proxy.maxconn` to twice what the sites that are left need."


MOST_MAXCONN = 10_000_000  # what the key takes


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    most = subject.estate.tiers.proxy.maxconn
    sites = capacity.per_site(subject, capacity.connections)
    if asked is None or asked.requests is None or sites is None:
        return
    total, kept = capacity.left(subject, sites)
    needed = asked.requests / capacity.REQUESTS_A_CONNECTION_S
    if total < needed:
        enough = 2 * needed / len(kept)
        yield Hit(
            ("tiers", "proxy", "maxconn"),
            f"{rate_text(asked.requests)} at peak hold {needed:,.0f} connections {capacity.words(subject, kept)}: their "
            f"active proxies with `maxconn` {most:,} hold {total:,.0f}",
            f"set `maxconn` to {enough:.0f}, which is twice as much as that takes"
            if enough <= MOST_MAXCONN
            else "add sites, or promise less",
        )
