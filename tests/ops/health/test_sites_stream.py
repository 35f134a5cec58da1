"""Hysteresis: lists of what was seen, one a second, and the word after each."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.ops.health.stream import Damping, Stream

USUAL = Damping(3, 2)
LETTERS = {"T": True, "F": False, "?": None}
SEEN = st.lists(st.sampled_from([True, False, None]), max_size=60)
DAMPINGS = st.builds(Damping, st.integers(1, 4), st.integers(1, 4))


def words(seen: str, damping: Damping = USUAL) -> str:
    """In letters: T, F, ? for each look."""
    stream, found = Stream(damping), ""
    for i, letter in enumerate(seen):
        stream = stream.step(LETTERS[letter], float(i))
        found += next(k for k, v in LETTERS.items() if v is stream.state)
    return found


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("TTTT", "?TTT"),
        ("FFFF", "??FF"),
        ("TFTFTF", "??????"),  # nothing is said often enough in a row
        ("TTFFTFFTFFT", "?TTTTTTTTTT"),
        ("TTFFFT", "?TTTFF"),
        ("FFFTFTT", "??FFFFT"),
        ("FFFTT", "??FFT"),
        ("????", "????"),
        ("TT????", "?TTTTT"),
        ("TTF?F?FT", "?TTTTTFF"),  # unknown neither counts nor interrupts
        ("TTF?F?TF?F?F", "?TTTTTTTTTTF"),
        ("FFFT?T", "??FFFT"),
        ("", ""),
    ],
)
def test_a_word_turns_after_enough_in_a_row(seen: str, expected: str) -> None:
    assert words(seen) == expected


def test_one_is_enough_where_one_is_asked_for() -> None:
    assert words("TFFTF?", Damping(1, 1)) == "TFFTFF"


@pytest.mark.parametrize(
    ("hold_s", "expected"),
    [
        (0.0, "FTTTTTTT"),
        (1.0, "FTTTTTTT"),
        (3.0, "FFFTTTTT"),  # what was seen during the hold counts
        (100.0, "FFFFFFFF"),
    ],
)
def test_a_no_stays_for_its_hold(hold_s: float, expected: str) -> None:
    assert words("FTTTTTTT", Damping(1, 1, hold_s)) == expected


def test_a_hold_does_not_delay_a_no_and_is_not_prolonged_by_another() -> None:
    assert words("TFFTFTT", Damping(1, 1, 4.0)) == "TFFFFTT"


def test_since_is_when_it_turned() -> None:
    stream = Stream(Damping(2, 2))
    for at, seen in ((10.0, True), (11.0, True), (12.0, True), (13.0, False), (14.0, None), (15.0, False)):
        stream = stream.step(seen, at)
    assert (stream.state, stream.since, stream.heard) == (False, 15.0, 15.0)
    assert stream.step(None, 99.0) == stream


def test_a_clock_that_is_set_back_begins_the_hold_anew_and_ends_it() -> None:
    stream = Stream(Damping(1, 1, 5.0)).step(False, 1000.0)
    found = []
    for at in range(10, 18):  # 990 s earlier
        stream = stream.step(True, float(at))
        found.append(stream.state)
    assert found == [False] * 5 + [True] * 3
    assert stream.since == 15.0 and stream.heard == 17.0


def test_who_could_not_ask_for_long_begins_anew() -> None:
    stream = Stream(Damping(2, 2))
    for at, seen in ((0.0, True), (1.0, True), (2.0, False), (3.0, None)):
        stream = stream.step(seen, at)
    assert stream.aged(12.0, 10.0) is stream
    aged = stream.aged(12.1, 10.0)
    assert aged == Stream(Damping(2, 2))
    assert aged.step(False, 13.0).state is None, "the no before the gap does not count"
    assert Stream(Damping()).aged(1e9, 1.0) == Stream(Damping())


def test_a_clock_set_back_does_not_keep_an_old_word_fresh() -> None:
    stream = Stream(Damping(1, 1)).step(True, 5000.0).step(None, 100.0)
    assert stream.aged(109.0, 10.0).state is True
    assert stream.aged(111.0, 10.0).state is None


@pytest.mark.parametrize(
    "wrong",
    [(0, 2, 0.0), (3, 0, 0.0), (-1, 1, 0.0), (3, 2, -1.0), (3, 2, float("nan")), (3, 2, float("inf"))],
)
def test_a_damping_that_is_none(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="fall and rise"):
        Damping(*wrong)


@given(SEEN, DAMPINGS)
def test_it_never_turns_on_fewer_in_a_row(seen: list[bool | None], damping: Damping) -> None:
    stream, told = Stream(damping), list[bool]()
    for at, each in enumerate(seen):
        after = stream.step(each, float(at))
        told += [] if each is None else [each]
        if after.state is not stream.state:
            need = damping.rise if after.state else damping.fall
            assert after.state is each
            assert told[-need:] == [each] * need
        stream = after


@given(SEEN, DAMPINGS)
def test_it_always_turns_on_enough_in_a_row(seen: list[bool | None], damping: Damping) -> None:
    stream = Stream(damping)
    for at, each in enumerate(seen):
        stream = stream.step(each, float(at))
    for word, need in ((True, damping.rise), (False, damping.fall)):
        after = stream
        for _ in range(need):
            after = after.step(word, 1000.0)
        assert after.state is word


@given(SEEN, DAMPINGS)
def test_what_nobody_could_ask_changes_no_word(seen: list[bool | None], damping: Damping) -> None:
    plain, mixed = Stream(damping), Stream(damping)
    for at, each in enumerate(seen):
        mixed = mixed.step(each, float(at))
        plain = plain if each is None else plain.step(each, float(at))
    assert mixed == plain


@given(
    st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(0, 3)), max_size=60),
    st.floats(0, 10),
)
def test_a_no_is_never_shorter_than_its_hold(steps: list[tuple[bool | None, float]], hold_s: float) -> None:
    stream, now, turned = Stream(Damping(2, 2, hold_s)), 0.0, list[tuple[bool | None, float]]()
    for seen, passed in steps:
        now += passed
        after = stream.step(seen, now)
        turned += [(after.state, now)] if after.state is not stream.state else []
        stream = after
    for (word, began), (_, ended) in pairwise(turned):
        assert word is True or ended - began >= hold_s


@given(
    st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(-1e9, 1e9)), max_size=40),
    st.floats(0, 1e6),
)
def test_no_clock_breaks_it(steps: list[tuple[bool | None, float]], hold_s: float) -> None:
    """Without a hold the clock has no say at all; with one, time that passes ends it."""
    free, held, plain = Stream(Damping()), Stream(Damping(hold_s=hold_s)), Stream(Damping())
    for at, (seen, now) in enumerate(steps):
        free, held, plain = free.step(seen, now), held.step(seen, now), plain.step(seen, float(at))
        assert free.state is plain.state
    last = steps[-1][1] if steps else 0.0
    for _ in range(3):
        held = held.step(True, last + hold_s + 1.0)
    assert held.state is True
