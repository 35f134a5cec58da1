from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.estate.quantity import (
    Count,
    Timer,
    duration_text,
    parse_bool,
    parse_count,
    parse_duration,
    parse_int,
    parse_percent,
    parse_timer,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("1.5s", 1.5), ("2m", 120.0), ("30d", 2592000.0), ("250us", 0.00025)],
)
def test_a_duration_becomes_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["1x", "s", "-1s", "1 s", "", "1s2m", "٣s", ["1s"], None])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a duration is"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**7))
def test_a_duration_is_written_back_as_it_was(milliseconds: int) -> None:
    assert parse_duration(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


def test_a_timer_is_an_interval_and_a_multiplier() -> None:
    assert parse_timer("100ms x 3") == Timer(0.1, 3)
    assert parse_timer("100ms x 3").detection == pytest.approx(0.3)
    for bad in ("100ms", "100ms x", "1ms x 3", "100ms x 1", "100ms*3"):
        with pytest.raises(ValueError):
            parse_timer(bad)


def test_a_count_is_a_number_or_a_range() -> None:
    assert parse_count("3") == Count(3, 3)
    assert parse_count("2..10") == Count(2, 10)
    with pytest.raises(ValueError, match=r"write `2\.\.10`"):
        parse_count("10..2")


def test_nothing_is_guessed_about_booleans_and_numbers() -> None:
    assert parse_bool("true") is True
    for bad in ("yes", "True", "1", "on"):
        with pytest.raises(ValueError):
            parse_bool(bad)
    for bad in ("1.0", "1e3", "0x10", "", "1 ", "9" * 30):
        with pytest.raises(ValueError):
            parse_int(bad)
    with pytest.raises(ValueError, match="at most 100%"):
        parse_percent("101%")
