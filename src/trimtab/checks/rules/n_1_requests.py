"""The hosts that are left answer fewer requests than the peak."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import rate_text

NAME = "n-1-requests"
SEVERITY = Severity.ERROR
TITLE = "the hosts that are left answer fewer requests than the peak"
WHY = (
    "After the loss of a site the others get its requests, at the same peak. Each site answers what its "
    "the active proxies were measured to do, or its members with one of them lost, whichever is less. Beyond "
    "that the queues fill and nobody is answered in time."
)
SOURCE = "Arithmetic on `hardware.measured.requests`; Google SRE book, chapter 22 (cascading failures)"
BAD = """\
objectives: {peak: {requests: 80k/s}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 25Gbps, measured: {requests: 60k/s, handshakes: 18k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""
GOOD = """\
objectives: {peak: {requests: 40k/s}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 25Gbps, measured: {requests: 60k/s, handshakes: 18k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""
FIX = "Add members, proxies' cores or sites, or promise less."


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    sites = capacity.per_site(subject, capacity.site_requests)
    if asked is None or asked.requests is None or sites is None:
        return
    total, kept = capacity.left(subject, sites)
    if total < asked.requests:
        yield Hit(
            asked.at("requests"),
            f"{rate_text(asked.requests)} at peak {capacity.words(subject, kept)}: by each site's "
            f"{capacity.bottleneck(subject, kept)} they answer {rate_text(total)} ({total / asked.requests:.0%})",
            "add members, faster proxies or sites, or promise less",
        )
