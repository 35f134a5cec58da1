"""Nobody carries a site to the whole Internet."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "no-transit"
SEVERITY = Severity.ERROR
TITLE = "nobody carries a site to the whole Internet"
WHY = (
    "A peer and an exchange take the site's prefixes to their own customers and to nobody else, and give no default route: "
    "all other clients never reach it, and it never answers them."
)
SOURCE = "RFC 7908, 2 (peering); RFC 9234, 2 (who passes what on)"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, role: peer, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64501, role: peer, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64501, role: peer, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
FIX = "Give the site an upstream of the role `transit`, or accept the finding where only a peer's customers are meant."


def find(subject: Subject) -> Iterator[Hit]:
    for site in subject.fronts:
        upstreams = subject.estate.sites[site].upstreams.values()
        if upstreams and all(upstream.role != "transit" for upstream in upstreams):
            roles = ", ".join(sorted({upstream.role for upstream in upstreams}))
            yield Hit(
                ("sites", site, "upstreams"),
                f"all {len(upstreams)} upstreams of {site} are of the role {roles}: clients of other networks never reach it",
                "add an upstream of the role `transit`",
            )
