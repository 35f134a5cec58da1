"""Documentation prefixes and AS numbers beside real ones."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.announced import announcements, is_real_as
from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.fault import Loc
from trimtab.estate.special import is_example_as

NAME = "example-left-over"
SEVERITY = Severity.ERROR
TITLE = "a documentation prefix or AS number beside real ones"
WHY = (
    "An upstream with a real AS number filters what is set aside for documentation and laboratories, and so does "
    "everybody behind it. A site that states no `public` announces such a prefix."
)
SOURCE = "RFC 5737, RFC 3849, RFC 2544 (prefixes); RFC 5398 (AS numbers)"
BAD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64400, peer: [198.51.100.1], password: env:BGP_ONE_A}
"""
GOOD = """\
sites:
  one:
    upstreams:
      isp-a: {asn: 64500, peer: [198.51.100.1], password: env:BGP_ONE_A}
"""
FIX = "Write the prefixes and numbers that your registry and your upstreams have given you."


def find(subject: Subject) -> Iterator[Hit]:
    for found in announcements(subject.inventory):
        real = sorted(asn for asn in found.upstreams if is_real_as(asn))
        if found.block is not None and found.block.example and real:
            why = f"{found.prefix} is for {found.block.purpose}: AS{real[0]} will not carry it"
            yield Hit(found.loc, why, "write a prefix that a registry has given you")
    for site, declared in subject.estate.sites.items():
        asns = {name: upstream.asn for name, upstream in declared.upstreams.items()}
        real = sorted(asn for asn in asns.values() if is_real_as(asn))
        if not real:
            continue
        at: list[tuple[Loc, int]] = [
            (("sites", site, "upstreams", name, "asn"), asn) for name, asn in asns.items()
        ]
        own: Loc = ("edge", "asn") if declared.asn is None else ("sites", site, "asn")
        for loc, asn in (*at, (own, subject.inventory.asn(site))):
            if is_example_as(asn):
                why = f"AS{asn} is for documentation, and stands beside AS{real[0]}: nobody has this number"
                yield Hit(loc, why, "write the network's own number")
