"""An upstream that only the hold timer watches, though the promise is shorter."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.quantity import duration_text

NAME = "upstream-without-bfd"
SEVERITY = Severity.ERROR
TITLE = "an upstream that only the hold timer watches, though the promise is shorter"
WHY = (
    "Without BFD a peer that dies silently is believed until the hold timer ends. Until then its network "
    "sends our clients into the hole, and the promised outage is over long before."
)
SOURCE = "RFC 4271, 4.2 and 6.5 (hold timer); RFC 5882 (BFD for control protocols)"
BAD = """\
objectives: {rto: 5s}
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A, bfd: false}
"""
GOOD = """\
objectives: {rto: 5s}
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A, bfd: true}
"""
FIX = "Agree on BFD with the upstream, lower `tiers.router.hold`, or promise what the hold timer gives."


def find(subject: Subject) -> Iterator[Hit]:
    rto = subject.strictest_rto()
    if rto is None:
        return
    for site in subject.fronts:
        for name, upstream in subject.estate.sites[site].upstreams.items():
            hold = upstream.hold or subject.estate.tiers.router.hold
            if not upstream.bfd and hold > rto:
                yield Hit(
                    ("sites", site, "upstreams", name),
                    f"{name} has no BFD: its death is noticed after {duration_text(hold)}, promised are {duration_text(rto)}",
                    "agree on BFD with it, or lower its `hold` (3s is the least)",
                )
