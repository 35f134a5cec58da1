from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.estate.amount import (
    Nic,
    bandwidth_text,
    parse_bandwidth,
    parse_nic,
    parse_rate,
    parse_size,
    rate_text,
    size_text,
)
from trimtab.estate.quantity import (
    Count,
    Timer,
    duration_text,
    parse_bool,
    parse_count,
    parse_date,
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


@pytest.mark.parametrize(
    ("text", "rate"), [("4000/s", 4000.0), ("150k/s", 150_000.0), ("1.5M/s", 1.5e6), ("0.5/s", 0.5)]
)
def test_a_rate_is_a_number_a_second(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate)
    assert parse_rate(rate_text(rate)) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("text", "bits"), [("200Gbps", 2e11), ("1Tbps", 1e12), ("2.5Gbps", 2.5e9), ("100Mbps", 1e8)]
)
def test_a_bandwidth_is_decimal_bits(text: str, bits: float) -> None:
    assert parse_bandwidth(text) == pytest.approx(bits)
    assert bandwidth_text(bits) == text


def test_a_size_is_decimal_bytes() -> None:
    assert parse_size("64GB") == 64e9 and size_text(64e9) == "64GB"
    assert parse_size("2TB") == 2e12


def test_network_ports_are_a_number_and_a_speed() -> None:
    assert parse_nic("2 x 25Gbps") == Nic(2, 25e9) and parse_nic("2 x 25Gbps").total == 5e10
    assert parse_nic("10Gbps") == Nic(1, 10e9)
    assert [str(parse_nic(t)) for t in ("2 x 25Gbps", "10Gbps")] == ["2 x 25Gbps", "10Gbps"]
    for bad in ("25", "2x25Gbps", "0 x 25Gbps", "2 x 0Gbps", "65 x 1Gbps", "Gbps", "2 x"):
        with pytest.raises(ValueError):
            parse_nic(bad)


@pytest.mark.parametrize("text", ["80k", "80 k/s", "80K/s", "-1/s", "1G/s", "", "٣/s", ["1/s"]])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a rate is"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["200G", "200gbps", "200Gb/s", "200GBps", "", None])
def test_what_is_no_bandwidth_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="a bandwidth is"):
        parse_bandwidth(text)


def test_a_day_is_written_in_full() -> None:
    assert parse_date("2026-12-28") == date(2026, 12, 28)
    for bad in ("2026-13-01", "28.12.2026", "20261228", "2026-W52-1", "", "tomorrow"):
        with pytest.raises(ValueError, match="a day is"):
            parse_date(bad)


@pytest.mark.parametrize("text", ["0.1us", "0.9us", "0.0001ms", "0." + "0" * 400 + "1s"])
def test_a_duration_that_cannot_be_written_back_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at least 1us"):
        parse_duration(text)


def test_a_duration_may_be_nothing() -> None:
    assert parse_duration("0s") == parse_duration("0.0ms") == 0.0


def test_a_number_beyond_all_machines_is_refused() -> None:
    nines = "9" * 320
    for parse, text in (
        (parse_rate, f"{nines}/s"),
        (parse_bandwidth, f"{nines}Gbps"),
        (parse_size, f"{nines}GB"),
        (parse_nic, f"{nines}Gbps"),
    ):
        with pytest.raises(ValueError, match="too large"):
            parse(text)
    assert parse_bandwidth("999999Tbps") == pytest.approx(1e18)
