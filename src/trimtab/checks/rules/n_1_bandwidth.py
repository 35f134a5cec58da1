"""The ports that are left carry less than the peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trimtab.checks import capacity
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.amount import bandwidth_text

NAME = "n-1-bandwidth"
SEVERITY = Severity.ERROR
TITLE = "the ports that are left carry less than the peak"
WHY = (
    "Peak does not wait until all sites are well. The bandwidth that counts is that of the sites that are "
    "left, and in a site that of one proxy and one router: with VRRP the others are spares. What does not fit is "
    "dropped, for everybody."
)
SOURCE = "Arithmetic on `hardware.nic`; RFC 5798, 1 (one master forwards)"
BAD = """\
objectives: {peak: {bandwidth: 1Tbps}}
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
objectives: {peak: {bandwidth: 40Gbps}}
hardware:
  edge: {cores: 16, memory: 64GB, nic: 2 x 100Gbps}
  lb: {cores: 32, memory: 128GB, nic: 2 x 25Gbps, measured: {requests: 60k/s, handshakes: 18k/s}}
  web: {cores: 16, memory: 64GB, nic: 25Gbps, measured: {requests: 20k/s}}
groups:
  router: {hardware: edge}
  proxy: {hardware: lb}
  backend: {hardware: web}
"""
FIX = (
    "Add sites or ports, promise less, or put a cache in front: 1 Tbps at 95 % hits is 50 Gbps at the origin."
)


def find(subject: Subject) -> Iterator[Hit]:
    asked = capacity.demand(subject)
    sites = capacity.per_site(subject, capacity.bandwidth)
    if asked is None or asked.bandwidth is None or sites is None:
        return
    total, kept = capacity.left(subject, sites)
    if total < asked.bandwidth:
        yield Hit(
            asked.at("bandwidth"),
            f"{bandwidth_text(asked.bandwidth)} at peak {capacity.words(subject, kept)}: the proxy and the gateway of each "
            f"carry {_each(sites, kept)}, together {bandwidth_text(total)} ({total / asked.bandwidth:.0%})",
            "add sites or ports, promise less, or put a cache in front",
        )


def _each(sites: Mapping[str, float], kept: list[str]) -> str:
    return " and ".join(sorted({bandwidth_text(sites[site]) for site in kept}))
