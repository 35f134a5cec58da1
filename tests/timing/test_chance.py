"""How often a fault stays within a promise, against what is drawn at random."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example as tried
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing.make import example, two_sites
from tests.timing.test_contest import SHOP
from trimtab.timing.budget import budgets
from trimtab.timing.chance import elects, least, within
from trimtab.timing.interval import FOR_EVER, NOTHING, UNTIL_REPAIR, Interval
from trimtab.timing.parts import Group, Part, Term, after, first_of, last_of, one_of
from trimtab.timing.text import share

DRAWS = 4000


def term(low: float, high: float, what: str = "x") -> Term:
    return Term("bfd", what, Interval(low, high), "RFC 5880")


spans = st.tuples(st.floats(-0.1, 5), st.floats(0, 5)).map(lambda p: term(p[0], p[0] + p[1]))
joined: st.SearchStrategy[Part] = st.recursive(
    spans,
    lambda inner: st.tuples(
        st.sampled_from([after, last_of, first_of]), st.lists(inner, min_size=1, max_size=3)
    ).map(lambda pair: pair[0](*pair[1])),
    max_leaves=6,
)
with_branches: st.SearchStrategy[Part] = st.lists(joined, min_size=1, max_size=3).map(
    lambda parts: one_of(*parts)
)
ELECTION = Group("sum", (term(0.99, 2.23), term(0.07, 0.34), term(0.0, 0.34)), "an election", (SHOP,))


def drawn(part: Part, draw: random.Random) -> float:
    """One length of a part without branches."""
    if isinstance(part, Term):
        return draw.uniform(part.time.low, part.time.high)
    lengths = [drawn(inner, draw) for inner in part.parts]
    if part.join == "sum":
        return math.fsum(lengths)
    return max(lengths) if part.join == "last" else min(lengths)


@settings(max_examples=60, deadline=None)
@given(joined, st.floats(0, 1))
def test_it_is_what_is_drawn(part: Part, where: float) -> None:
    promised = part.time.low + where * (part.time.high - part.time.low)
    draw = random.Random(1)
    lengths = [drawn(part, draw) for _ in range(DRAWS)]
    # a tree of intervals without any width jumps; on its grid that is a slope of one cell
    cell = (part.time.high - part.time.low) / 400 + 0.002
    low, high = (sum(x <= promised + d for x in lengths) / DRAWS for d in (-cell, cell))
    assert low - 0.04 <= within(part, promised) <= high + 0.04


@tried(one_of(term(0, 1), after(term(0, 0), term(0, 1.9e-90))), [0.0, 0.0])
@tried(one_of(term(0, 1e-9), term(5e-10, 1e-9), after(term(0, 0), term(0, 1e-10))), [0.0, 1.0])
@settings(max_examples=60, deadline=None)
@given(with_branches, st.lists(st.floats(0, 20), min_size=2, max_size=6))
def test_a_longer_promise_is_kept_no_less_often(part: Part, promised: list[float]) -> None:
    found = [within(part, seconds) for seconds in sorted(promised)]
    assert found == sorted(found) and all(0 <= kept <= 1 for kept in found)


@given(with_branches)
def test_the_worst_case_is_kept_always_and_less_than_the_best_never(part: Part) -> None:
    """To the millisecond, as the figures are printed."""
    assert not elects(part) and within(part, round(part.time.high, 3)) == 1.0
    assert within(part, part.time.low - 0.01) == 0.0


@tried(term(0.0, 1.0), term(0.0, 5e-324), 0.0)
@given(joined, joined, st.floats(0, 20))
def test_of_alternatives_the_worst_counts(one: Part, other: Part, promised: float) -> None:
    # what has next to no width jumps: on the grid of both that is a slope of one cell
    cell = (one_of(one, other).time.high - one_of(one, other).time.low) / 400 + 0.002
    low, high = (min(within(one, at), within(other, at)) for at in (promised - cell, promised + cell))
    assert low - 0.05 <= within(one_of(one, other), promised) <= high + 0.05


def test_what_is_over_at_its_first_moment_counts_in_a_sum() -> None:
    point = first_of(term(2, 5, "late"), term(0.3, 0.3, "at once"))  # 0.3, on the grid of both
    other = first_of(term(2, 5, "late"), term(0.0, 1.0), term(0.3, 4.0, "slow"))
    assert within(after(point, other), 0.8) == pytest.approx(within(other, 0.5), abs=0.02)


def test_by_hand() -> None:
    assert within(term(0, 10), 2.5) == pytest.approx(0.25)
    # the sum of two: a triangle
    assert within(after(term(0, 1), term(0, 1)), 0.5) == pytest.approx(0.125, abs=0.003)
    assert within(last_of(term(0, 1, "a"), term(0, 1, "b")), 0.5) == pytest.approx(0.25, abs=0.003)
    assert within(first_of(term(0, 1, "a"), term(0, 1, "b")), 0.5) == pytest.approx(0.75, abs=0.003)
    assert within(one_of(term(0, 1), term(0, 2)), 1.0) == pytest.approx(0.5, abs=0.003)
    assert least(term(0, 10), 0.5) == pytest.approx(5.0)
    assert least(after(term(0, 1), term(0, 1)), 0.875) == pytest.approx(1.5, abs=0.01)


def test_until_repair_is_never_and_nothing_is_always() -> None:
    endless = Term("repair", "x", FOR_EVER, "y", "repair")
    unknown = Term("dns", "x", Interval(0.0, UNTIL_REPAIR), "y")
    for part in (endless, unknown, after(term(0, 1), unknown), one_of(term(0, 1), endless)):
        assert within(part, 1e6) == 0.0 and least(part) == math.inf
    assert within(first_of(term(0, 1), endless), 0.5) == pytest.approx(0.5, abs=0.01)
    assert within(Term("client", "x", NOTHING, "y"), 0.0) == 1.0


def test_an_election_may_outlast_its_interval() -> None:
    part = after(ELECTION, term(0, 0.9))
    assert 0.85 < within(part, part.time.high) < 0.9
    assert 0 < within(part, 2.0) < within(part, 5.0) < within(part, 9.0) < 1
    assert within(part, 0.5) == 0.0
    assert within(part, least(part)) == pytest.approx(0.999, abs=1e-6) and least(part) > part.time.high


def test_what_the_client_adds_is_added_to_the_election() -> None:
    """Its own wait of up to 0.9 s makes it later by 0 to 0.9 s, whatever the election took."""
    part = after(ELECTION, term(0, 0.9))
    for seconds in (2.0, 3.0, 4.0, 6.0):
        assert within(ELECTION, seconds - 0.9) <= within(part, seconds) <= within(ELECTION, seconds)
    mean = sum(within(ELECTION, 5.0 - k * 0.09) for k in range(11)) / 11
    assert within(part, 5.0) == pytest.approx(mean, abs=0.003)


def test_every_fault_of_the_shop_is_told_in_both_worlds() -> None:
    for budget in budgets(example("shop")):
        for figure, twin in budget.twin.items():
            internet = budget.internet[figure]
            for promised in (0.3, 1.0, 5.0, 200.0):
                assert 0 <= within(internet.part, promised) <= within(twin.part, promised) + 0.02 <= 1.02


def test_a_store_that_may_lose_its_majority_keeps_no_promise() -> None:
    budget = next(b for b in budgets(two_sites()) if b.fault == "site-power-cut")
    assert within(budget.twin["write_outage_s"].part, 1e6) == 0.0


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (None, ""), (1.0, "100 %"), (0.9999, "> 99.9 %"), (0.999, "> 99.9 %"), (0.99899, "99.8 %"), (0.983, "98.3 %"),
        (0.9715, "97.1 %"), (0.001, "0.1 %"), (0.0009, "< 0.1 %"), (0.0, "0 %"),
    ],
)  # fmt: skip
def test_words(kept: float | None, words: str) -> None:
    assert share(kept) == words
