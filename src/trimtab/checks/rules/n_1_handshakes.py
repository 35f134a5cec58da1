"""More TLS handshakes at peak than the proxies do."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import rate_text

NAME = "n-1-handshakes"
SEVERITY = Severity.ERROR
TITLE = "more TLS handshakes at peak than the proxies do"
WHY = (
    "When a site is lost all of its clients come anew, each with a full handshake, which costs more than "
    "the requests after it. The arithmetic takes a tenth of the requests as new connections; the first "
    "seconds after a loss are worse."
)
SOURCE = "RFC 8446, 2; arithmetic on `hardware.measured.handshakes`"
BAD = """\
objectives: {peak: {requests: 80k/s}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 25Gbps, measured: {requests: 60k/s, handshakes: 2k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""
GOOD = """\
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
FIX = "Take faster machines or more sites; ECDSA certificates cost a fraction of RSA ones."


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    sites = capacity.per_site(subject, capacity.handshakes)
    if asked is None or asked.requests is None or sites is None:
        return
    needed = asked.requests / capacity.REQUESTS_A_CONNECTION_S / capacity.CONNECTION_LIFE_S
    total, kept = capacity.left(subject, sites)
    if total < needed:
        yield Hit(
            asked.at("requests"),
            f"{rate_text(asked.requests)} at peak bring {rate_text(needed)} new connections {capacity.words(subject, kept)}: "
            f"the active proxies do {rate_text(total)} handshakes ({total / needed:.0%})",
            "take faster proxies or more sites",
        )
