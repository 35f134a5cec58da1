"""What a word on a site's upstreams changes, and what of it cannot be seen in what has left."""

from __future__ import annotations

import pytest

from trimtab.daemons.bird.shift_file import Left
from trimtab.ops.steering.shift import UpstreamShift, amiss, changed

ISP, IX = UpstreamShift("isp", 2), UpstreamShift("ix", 0, 50)


def test_of_each_upstream_the_last_word_stands() -> None:
    found = changed((), ("ix", "isp"), UpstreamShift("", 2))
    assert found == (UpstreamShift("isp", 2), UpstreamShift("ix", 2))
    found = changed(found, ("ix",), UpstreamShift("", 0, 50))
    assert found == (ISP, IX), "all of the word before is gone, not its MED alone"
    assert changed(found, ("isp",), None) == (IX,)
    assert changed(found, ("isp", "ix"), None) == ()


def test_it_is_said_in_words() -> None:
    assert (
        UpstreamShift("isp", 2, 50, ((64500, 3), (64500, 1, 2))).words
        == "prepend 2, med 50, 64500:3, 64500:1:2"
    )


WANTED = UpstreamShift("isp", 2, 50, ((64500, 3),))
WELL = Left(2, 50, frozenset({(64500, 3)}))


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (WELL, ""),
        (
            Left(5, 50, WELL.communities | {(65535, 0)}),
            "",
        ),  # the estate prepends too, and it is second choice
        (Left(1, 50, WELL.communities), "198.18.1.0/24 leaves with 1 prepended and not 2"),
        (Left(2, 0, WELL.communities), "198.18.1.0/24 leaves with med 0 and not 50"),
        (Left(2, 50, frozenset()), "198.18.1.0/24 leaves without 64500:3"),
    ],
)
def test_what_has_left_is_held_against_it(left: Left, says: str) -> None:
    assert "; ".join(amiss(WANTED, {"198.18.1.0/24": left})) == says


def test_what_is_not_announced_shifts_nothing() -> None:
    assert amiss(WANTED, {}) == []
