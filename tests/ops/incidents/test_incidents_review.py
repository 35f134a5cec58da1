"""The page for people: a golden one, and what is strange on it.

After a change that is meant, `TRIMTAB_GOLDEN=write pytest tests/ops/incidents/test_incidents_review.py` writes it anew.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tests.ops.incidents.incident_kit import DRAINED, NOW, done, opened, played, row, seen, steer

from trimtab.ops.incidents.decide import HOLD_S, decide
from trimtab.ops.incidents.incident import MAX_EVENTS, Incident
from trimtab.ops.incidents.review import QUESTIONS, review

GOLDEN = Path(__file__).with_name("review.md")


def whole() -> Incident:
    """Detected, drained though one request was refused, lost from sight, back, and over."""
    drained = steer(done("withdraw", at=NOW + 39), committed=DRAINED)
    looks = [
        (20.0, seen("i", decisions=(row(1, granted=False), row(2, at=NOW + 9)))),
        (42.0, seen("d", steer=drained)),
        (60.0, seen("?", steer=drained)),
        (75.0, seen("d", steer=drained)),
        (192.4, seen("+", steer=drained)),
        (192.4 + HOLD_S, seen("+", steer=drained)),
    ]
    found = opened("i")
    for at, look in looks:
        found = decide(found, look, NOW + at) or found
    assert found.state == "closed"
    return replace(found, number=7)


def test_the_page_is_the_golden_one() -> None:
    found = review(whole())
    if os.environ.get("TRIMTAB_GOLDEN") == "write":
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


def test_one_that_is_open_says_what_has_not_happened() -> None:
    found = review(replace(opened("*"), number=8, first=0.0))
    assert "# Incident 8: hk (everywhere)" in found and "most likely the check" in found
    assert "| the first vantage point says so | a quorum does (the verdict) | not known |" in found
    assert found.count("| has not happened |") == 3
    assert "It is open: classified, and the last that a quorum said is: not serving." in found
    assert "Nobody asked for anything. It is not over." in found and "Nothing was asked." in found
    assert all(question in found for question in QUESTIONS)


def test_somebody_elses_words_are_no_markdown() -> None:
    hostile = "a|b `c` <img> *d* \\"
    found = opened().told("refused", NOW + 1, hostile)
    page = review(replace(found, said=(hostile,)))
    safe = r"a\|b \`c\` \<img> \*d\* \\"
    assert page.count(safe) == 3 and hostile not in page
    assert f"| refused | {safe} |" in page


def test_events_that_are_left_out_are_counted_where_they_were() -> None:
    found = opened()
    for place in range(MAX_EVENTS):
        found = found.told("acted", NOW + place, f"no. {place}")
    lines = review(found).splitlines()
    place = lines.index("| | | 2 events are left out here |")
    assert lines[place - 1].endswith("no. 47 |") and lines[place + 1].endswith("no. 50 |")


def test_it_counts_how_often_it_was_lost_again() -> None:
    found = played("d+d?d")
    assert found is not None and "was lost from sight, 2×." in review(found)
