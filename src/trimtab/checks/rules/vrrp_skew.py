"""Low VRRP priorities that delay every fail-over."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.checks.finding import Hit, Severity
from trimtab.checks.subject import Subject

NAME = "vrrp-skew"
SEVERITY = Severity.WARNING
TITLE = "low VRRP priorities that delay every fail-over"
WHY = (
    "A backup waits three adverts and then its skew, (256 - priority)/256 of an advert. At priority 100 "
    "that is 0.6 of an advert for nothing: only the order of the priorities counts, not their distance."
)
SOURCE = "RFC 5798, 6.1 (Skew_Time, Master_Down_Interval)"
BAD = """\
vrrp: {advert: 1s, priorities: [150, 100]}
"""
GOOD = """\
vrrp: {advert: 1s, priorities: [254, 253]}
"""
FIX = "Write `priorities: [254, 253]`."


MOST = 0.25  # of an advert


def find(subject: Subject) -> Iterator[Hit]:
    vrrp = subject.estate.vrrp
    if max(subject.fronts.values(), default=0) < 2:
        return
    skew = (256 - vrrp.priority(1)) / 256
    if skew > MOST:
        down = (3 + skew) * vrrp.advert
        yield Hit(
            ("vrrp", "priorities"),
            f"a backup at {vrrp.priority(1)} waits {skew * vrrp.advert:.2f} s of skew: a dead master is replaced after "
            f"{down:.2f} s instead of {3 * vrrp.advert + vrrp.advert * 3 / 256:.2f} s",
            "write `priorities: [254, 253]`",
        )
