"""When a drained site announces again: by a quorum's word, and not by silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.ops.drain.open import fail_open
from trimtab.ops.health.verdict import SiteVerdict

WORDS = {"+": "serving", "i": "unhealthy", "d": "unreachable", "?": "unknown"}


def verdicts(text: str) -> dict[str, SiteVerdict]:
    """One sign a site: a is drained, b, c and so on are the others."""
    words: Any = {name: WORDS[sign] for name, sign in zip("abcde", text, strict=False)}
    return {name: SiteVerdict(name, word, 3, 2, 0.0) for name, word in words.items()}


@pytest.mark.parametrize(
    ("text", "away", "serves", "announced", "opens"),
    [
        ("d+", "a", True, False, False),
        ("dd", "a", True, False, True),
        ("di", "a", True, False, True),
        ("d?", "a", True, False, False),
        ("ddd", "a", True, False, True),
        ("dd+", "a", True, False, False),
        ("dd?", "a", True, False, False),
        ("did", "a", True, False, True),
        ("dd", "a", False, False, False),
        ("dd", "a", None, False, False),
        ("??", "a", True, False, False),
        # two drained ones do not close on each other's account
        ("d+d", "ab", True, False, True),
        ("d+?", "ab", True, False, False),
        ("d++", "ab", True, False, False),
        # that it is open now
        ("+d", "a", True, True, True),
        ("+?", "a", True, True, True),
        ("++", "a", True, True, False),
        ("dd", "a", False, True, True),
        ("d+", "a", False, True, False),
        # nobody else is meant to serve
        ("d", "a", True, False, True),
        ("dd", "ab", True, False, True),
    ],
)
def test_who_opens(text: str, away: str, serves: bool | None, announced: bool, opens: bool) -> None:
    why = fail_open("a", verdicts(text), set(away), serves=serves, announced=announced)
    assert (why is not None) == opens


def test_it_says_why() -> None:
    assert (
        fail_open("a", verdicts("dd+i"), {"a", "c"})
        == "no other site is known to serve: b is unreachable, d is unhealthy"
    )
    assert fail_open("a", verdicts("d")) == "no other site is known to serve: there is none that is meant to"


def test_whoever_has_not_looked_opens_nothing() -> None:
    assert fail_open("a", {}) is None
    assert fail_open("a", {}, announced=True) is None
    assert fail_open("e", verdicts("dd")) is None


@given(
    st.text("+id?", min_size=1, max_size=5), st.sets(st.sampled_from("abcde")), st.booleans(), st.booleans()
)
def test_it_never_opens_beside_one_that_serves_nor_closes_without(
    text: str, away: set[str], serves: bool, now: bool
) -> None:
    found = verdicts(text)
    others = {name: each.state for name, each in found.items() if name not in {"a", *away}}
    why = fail_open("a", found, away, serves=serves, announced=now)
    if "serving" in others.values():
        assert why is None
    elif now:
        assert why, "nobody withdraws without knowing of another one"
    elif "unknown" in others.values():
        assert why is None
