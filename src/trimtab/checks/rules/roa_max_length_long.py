"""A ROA that permits more than is announced."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.roas import Judged, judged
from trimtab.checks.subject import Subject
from trimtab.estate.roa import Vrp

NAME = "roa-max-length-long"
SEVERITY = Severity.WARNING
TITLE = "a ROA that permits longer prefixes than are announced"
WHY = (
    "Whoever puts our AS at the end of his path may announce each of the longer prefixes that maxLength permits and nobody "
    "announces: a more specific route that is valid for everybody and draws all traffic (a forged-origin sub-prefix hijack)."
)
SOURCE = "RFC 9319, 3 and 5 (minimal ROAs)"
BAD = """\
edge:
  rpki: {roas: bad.json}
"""
GOOD = """\
edge:
  rpki: {roas: good.json}
"""
FIX = "Have one ROA for each announced prefix, without maxLength; black holes need none, their providers accept them by session."


def find(subject: Subject) -> Iterator[Hit]:
    everything = tuple(judged(subject.inventory, subject.roas))
    told: set[tuple[str, Vrp]] = set()
    for each in everything:
        for vrp in each.own:
            announced = _announced(everything, each, vrp)
            if (each.source.name, vrp) in told or announced >= _permitted(vrp):
                continue
            told.add((each.source.name, vrp))
            yield Hit(
                each.announced.loc,
                f"the ROA {vrp} permits {_permitted(vrp)} prefixes, of which AS{vrp.asn} announces {announced} ({each.source.name})",
                "a ROA for each announced prefix, without maxLength",
            )


def _permitted(vrp: Vrp) -> int:
    return int(2 ** (vrp.longest - vrp.prefix.prefixlen + 1)) - 1


def _announced(everything: tuple[Judged, ...], one: Judged, vrp: Vrp) -> int:
    """How many of the prefixes that it permits its AS announces; without maxLength it is minimal whatever is announced."""
    if vrp.longest == vrp.prefix.prefixlen:
        return 1
    own = {each.announced.prefix for each in everything if each.source is one.source and vrp in each.own}
    return sum(prefix.prefixlen <= vrp.longest for prefix in own)
