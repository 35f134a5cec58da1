"""nginx counts connections in 16 bits: more clients are counted in shares, whose parts are alike."""

from __future__ import annotations

import re

import pytest

from trimtab.daemons.nginx.config import MOST_COUNTED, limit


@pytest.mark.parametrize("maxconn", [65536, 120000, 131071, 1_000_000, 10_000_000])
def test_no_share_is_drawn_more_often_than_it_has_places(maxconn: int) -> None:
    found = limit(maxconn)
    parts = [float(part) for part in re.findall(r"([\d.]+)%", found["shares"])]
    parts.append(100 - sum(parts))  # the last takes the rest
    assert len(parts) == found["count"] and found["each"] <= MOST_COUNTED
    assert max(parts) - min(parts) < 0.011  # nginx takes hundredths
    assert maxconn <= found["each"] * found["count"] < maxconn + found["count"]


@pytest.mark.parametrize("maxconn", [100, 65535])
def test_as_many_as_it_counts_are_one_share(maxconn: int) -> None:
    assert (limit(maxconn)["count"], limit(maxconn)["each"]) == (1, maxconn)
