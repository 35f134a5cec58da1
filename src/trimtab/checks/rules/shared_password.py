"""One password for several networks."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "shared-password"
SEVERITY = Severity.WARNING
TITLE = "one password for several networks"
WHY = (
    "Every peer that knows the password of one session knows those of the others. When one of them loses "
    "it, all have to be changed in the same hour."
)
SOURCE = "RFC 3562 (a key for each peering)"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP}
      isp-b: {asn: 64501, peer: [198.51.100.9], password: env:BGP}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
      isp-b: {asn: 64501, peer: [198.51.100.9], password: env:BGP_ONE_B}
"""
FIX = "Give each network a reference of its own."


def find(subject: Subject) -> Iterator[Hit]:
    first: dict[str, tuple[int, str]] = {}
    for site, declared in subject.estate.sites.items():
        for name, upstream in declared.upstreams.items():
            if upstream.password is None:
                continue
            asn, where = first.setdefault(upstream.password, (upstream.asn, f"{site}'s {name}"))
            if asn != upstream.asn:
                yield Hit(
                    ("sites", site, "upstreams", name, "password"),
                    f"AS{upstream.asn} has the password of {where}, AS{asn}",
                    "give each network a reference of its own",
                )
