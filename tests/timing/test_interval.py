from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.timing.interval import FOR_EVER, UNTIL_REPAIR, Interval, either, first, last, text, total

spans = st.tuples(st.floats(-1, 1e6), st.floats(0, 1e6)).map(
    lambda pair: Interval(pair[0], pair[0] + pair[1])
)
several = st.lists(spans, min_size=1, max_size=5)


@given(several)
def test_every_join_runs_upwards_and_stays_within_its_parts(found: list[Interval]) -> None:
    for join in (last, first, either):
        joined = join(found)
        assert min(s.low for s in found) <= joined.low <= joined.high <= max(s.high for s in found)
    assert first(found).high <= last(found).high and either(found).low == first(found).low


@given(several)
def test_a_sum_is_the_sum_of_its_ends(found: list[Interval]) -> None:
    assert total(found).low == pytest.approx(sum(s.low for s in found))
    assert total(found).high == pytest.approx(sum(s.high for s in found))


def test_what_lasts_until_repair_swallows_everything_but_a_minimum() -> None:
    second = Interval(1.0, 2.0)
    assert second + FOR_EVER == FOR_EVER and last([second, FOR_EVER]) == FOR_EVER
    assert first([second, FOR_EVER]) == second and either([second, FOR_EVER]) == Interval(1.0, UNTIL_REPAIR)


def test_an_interval_that_runs_downwards_is_refused() -> None:
    with pytest.raises(ValueError, match="runs upwards"):
        Interval(2.0, 1.0)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Interval(0.2, 0.3), "0.20–0.30 s"),
        (Interval(0.0, 0.0), "0 s"),
        (Interval(0.0, 191.2), "0–191 s"),
        (Interval(-0.013, 0.064), "−0.01–0.06 s"),
        (Interval(0.5, UNTIL_REPAIR), "0.50 s – until repair"),
        (FOR_EVER, "until repair"),
    ],
)
def test_words(span: Interval, words: str) -> None:
    assert text(span) == str(span) == words
