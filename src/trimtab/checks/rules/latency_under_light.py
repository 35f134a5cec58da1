"""A latency that light does not reach."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject
from trimtab.estate.place import round_trip
from trimtab.estate.quantity import duration_text

NAME = "latency-under-light"
SEVERITY = Severity.ERROR
TITLE = "a latency that light does not reach"
WHY = (
    "A read cannot be answered before one round trip from the client's region to the nearest site. No "
    "cache in that site and no faster proxy changes the distance."
)
SOURCE = "Light in fibre travels 200,000 km/s; cables are some 1.4 times as long as the great circle"
BAD = """\
objectives: {latency: {p99: 20ms}}
regions:
  europe: {at: [50.1, 8.7]}
  default: {at: [25.0, 121.5]}
"""
GOOD = """\
objectives: {latency: {p99: 300ms}}
regions:
  europe: {at: [50.1, 8.7]}
  default: {at: [25.0, 121.5]}
"""
FIX = "Add a site near that region, or promise it a latency of its own distance."


def find(subject: Subject) -> Iterator[Hit]:
    sites = [subject.estate.sites[name].at for name in subject.fronts]
    far = {
        name: min(round_trip(region.at, at) for at in sites)
        for name, region in subject.estate.regions.items()
        if region.at is not None and sites
    }
    for loc, whose, objectives in subject.promises():
        for percentile, promised in sorted(objectives.latency.items()):
            late = sorted(name for name, needed in far.items() if needed > promised)
            if late:
                worst = max(late, key=lambda name: far[name])
                yield Hit(
                    (*loc, "latency", percentile),
                    f"{whose} promises {percentile} of {duration_text(promised)}; from {worst} to its nearest site light "
                    f"needs {far[worst] * 1000:.0f} ms for one round trip ({', '.join(late)})",
                    "add a site near that region, or promise what its distance allows",
                )
