from __future__ import annotations

import pytest

from trimtab.timing.interval import NOTHING, Interval
from trimtab.timing.parts import Group, Prediction, Term, after, first_of, last_of, one_of, walk

SHORT = Term("bfd", "short", Interval(0.1, 0.2), "RFC 5880, 6.8.4", "detection")
LONG = Term("bgp", "long", Interval(1.0, 3.0), "RFC 4271, 6.5", "detection")


def test_joins() -> None:
    assert after(SHORT, LONG).time == Interval(1.1, 3.2)
    assert last_of(SHORT, LONG).time == LONG.time
    assert first_of(SHORT, LONG).time == SHORT.time
    assert one_of(SHORT, LONG).time == Interval(0.1, 3.0)


def test_sums_are_flat_and_equal_alternatives_count_once() -> None:
    nested = after(after(SHORT, LONG), SHORT)
    assert isinstance(nested, Group) and nested.parts == (SHORT, LONG, SHORT)
    assert one_of(SHORT, SHORT) == SHORT == last_of(SHORT) == after(SHORT)


def test_reading_order_and_depth() -> None:
    part = after(SHORT, one_of(SHORT, LONG, label="whose"))
    assert [depth for depth, _ in walk(part)] == [0, 1, 1, 2, 2]
    assert Prediction(part).terms == (SHORT, SHORT, LONG)
    assert [p.words for _, p in walk(part) if isinstance(p, Group)] == [
        "one after the other",
        "whose: one of these",
    ]


def test_no_outage_is_shorter_than_none() -> None:
    earlier = Term("client", "earlier", Interval(-0.2, 0.1), "distance")
    assert Prediction(earlier).total == Interval(0.0, 0.1)
    assert Group("sum", ()).time == NOTHING


@pytest.mark.parametrize("missing", ["layer", "what", "source"])
def test_a_term_without_layer_words_or_source_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="needs a layer"):
        Term(**{"layer": "bfd", "what": "x", "time": NOTHING, "source": "RFC", missing: ""})  # type: ignore[arg-type]
