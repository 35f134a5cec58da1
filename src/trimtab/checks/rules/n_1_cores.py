"""More requests on a core than any proxy has been seen to do."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import rate_text

NAME = "n-1-cores"
SEVERITY = Severity.ERROR
TITLE = "more requests on a core than any proxy has been seen to do"
WHY = (
    "Where nothing was measured, the cores still say what is impossible. The fastest published figure for "
    "HAProxy is two million requests a second on 64 cores, without TLS: some 32,000 a core."
)
SOURCE = "HAProxy Technologies 2021, two million requests a second on one 64-core Arm machine"
BAD = """\
objectives: {peak: {requests: 400k/s}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 4, memory: 16GB, nic: 25Gbps}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
"""
GOOD = """\
objectives: {peak: {requests: 100k/s}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 4, memory: 16GB, nic: 25Gbps}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
"""
FIX = "Take machines with more cores or more sites, and measure one: `measured: {requests: …}`."


MOST_A_CORE = 32_000.0


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    sites = capacity.per_site(subject, capacity.cores)
    if asked is None or asked.requests is None or sites is None:
        return
    total, kept = capacity.left(subject, sites)
    if total * MOST_A_CORE < asked.requests:
        yield Hit(
            asked.at("requests"),
            f"{rate_text(asked.requests)} at peak {capacity.words(subject, kept)}: {total:.0f} cores of active proxies, "
            f"{rate_text(asked.requests / total)} on each; {rate_text(MOST_A_CORE)} is the most that was ever published",
            "take machines with more cores, or more sites",
        )
