"""A prefix that private networks alone can carry."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.announced import announcements
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.special import is_private_as

NAME = "prefix-inside-only"
SEVERITY = Severity.WARNING
TITLE = "a public prefix that private networks alone can carry"
WHY = (
    "All who hear it have AS numbers for private use, so it is taken for a closed network, where this is right. "
    "Nobody beyond that network reaches the services, and the day it is joined to another one with the same "
    "addresses, clients of both reach the nearer."
)
SOURCE = "RFC 1918, 4 and 5; RFC 6996 (AS numbers for private use)"
BAD = """\
sites:
  one:
    public: [192.168.1.0/24]
    upstreams:
      isp-a: {asn: 64600, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64601, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
GOOD = """\
sites:
  one:
    public: [198.18.1.0/24]
    upstreams:
      isp-a: {asn: 64600, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64601, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
FIX = "Accept it with the name of the closed network as the reason, or announce a prefix of your own."


def find(subject: Subject) -> Iterator[Hit]:
    for found in announcements(subject.inventory):
        if found.block is None or found.block.example or not found.upstreams:
            continue
        if all(is_private_as(asn) for asn in found.upstreams):
            heard = ", ".join(f"AS{asn}" for asn in sorted(found.upstreams)[:3])
            yield Hit(
                found.loc,
                f"{found.prefix} lies in {found.block.network}, {found.block.purpose}: only {heard} can carry it",
                "accept it if this is a closed network, otherwise write a prefix of your own",
            )
