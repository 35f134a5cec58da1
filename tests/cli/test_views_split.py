"""How a split is told."""

from __future__ import annotations

import pytest

from trimtab.cli.views.split import in_words


@pytest.mark.parametrize(
    ("shares", "by", "said"),
    [
        ({"web": 9, "web-next": 1}, "cookie", "web 90%  web-next 10%  by cookie"),
        ({"web": 100, "web-next": 0}, "percent", "web 100%  web-next 0%  by percent"),
        ({"b": 1, "a": 2}, "header", "a 66.6667%  b 33.3333%  by header"),
    ],
)
def test_shares_are_told_in_percent(shares: dict[str, int], by: str, said: str) -> None:
    assert in_words(shares, by) == said
