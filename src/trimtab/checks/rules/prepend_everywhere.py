"""Every upstream of a site is made worse."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "prepend-everywhere"
SEVERITY = Severity.WARNING
TITLE = "every path of every site is made worse"
WHY = (
    "Prepending makes one path worse than another: a second upstream, or a standby site. Where every upstream of every "
    "site has it, nothing is preferred; all paths only look longer, and networks with a rival path take that."
)
SOURCE = "RFC 4271, 9.1.2.2 (shortest path); draft-ietf-grow-as-path-prepending"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A, prepend: 2}
      isp-b: {asn: 64501, peer: [198.51.100.9], password: env:BGP_ONE_B, prepend: 1}
  two:
    upstreams:
      isp-c: {asn: 64502, peer: [198.51.100.17], password: env:BGP_TWO_C, prepend: 1}
      isp-d: {asn: 64503, peer: [198.51.100.25], password: env:BGP_TWO_D, prepend: 1}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64501, peer: [198.51.100.9], password: env:BGP_ONE_B, prepend: 1}
  two:
    upstreams:
      isp-c: {asn: 64502, peer: [198.51.100.17], password: env:BGP_TWO_C, prepend: 3}
      isp-d: {asn: 64503, peer: [198.51.100.25], password: env:BGP_TWO_D, prepend: 3}
"""
FIX = "Leave `prepend` out of the best upstream of the site that clients should reach first."


def find(subject: Subject) -> Iterator[Hit]:
    prepends = [u.prepend for site in subject.fronts for u in subject.estate.sites[site].upstreams.values()]
    if prepends and all(prepends):
        yield Hit(
            ("sites", next(iter(subject.fronts)), "upstreams"),
            f"all {len(prepends)} upstreams prepend, by {min(prepends)} at least: no path is a good one",
            "leave `prepend` out of the best upstream",
        )
