"""Shares of a route: the registry's where they fit, and what the maps then hold."""

from __future__ import annotations

import pytest

from trimtab.agent.membership.splits import Chosen, by_map, decide_split, split_map
from trimtab.agent_config import SplitFile
from trimtab.registry.record import Split

FILE = SplitFile("shop", "web+web-next", {"web": 95, "web-next": 5})


def record(by: str = "percent", **shares: int) -> Split:
    return Split(
        "shop", "web+web-next", {name.replace("_", "-"): share for name, share in shares.items()}, by
    )  # type: ignore[arg-type]


def test_without_a_record_the_estates_shares_hold() -> None:
    assert decide_split(FILE, None, None) == Chosen((("web", 95), ("web-next", 5)), "percent")


def test_a_record_that_fits_holds() -> None:
    found = decide_split(FILE, record("header", web=50, web_next=50), None)
    assert found == Chosen((("web", 50), ("web-next", 50)), "header")


@pytest.mark.parametrize("shares", [{"web": 1, "other": 1}, {"web": 1}, {"web": 1, "web_next": 1, "more": 1}])
def test_other_pools_are_refused_and_the_last_good_shares_hold(shares: dict[str, int]) -> None:
    good = decide_split(FILE, record(web=50, web_next=50), None)
    found = decide_split(FILE, record(**shares), good)
    assert (found.shares, found.by) == (good.shares, good.by)
    assert [reason.kind for reason in found.reasons] == ["unknown_pool"]
    assert decide_split(FILE, record(**shares), found) == found
    assert decide_split(FILE, record(**shares), None).shares == (("web", 95), ("web-next", 5))


def test_the_last_shares_are_those_of_these_pools_or_none() -> None:
    old = Chosen((("web", 1), ("gone", 1)), "percent")
    assert decide_split(FILE, record(strange=1), old).shares == (("web", 95), ("web-next", 5))


def test_the_maps() -> None:
    chosen = {"shop/web+web-next": decide_split(FILE, record("cookie", web=3, web_next=1), None)}
    assert split_map(chosen) == {"shop/web+web-next/web": "7500", "shop/web+web-next/web-next": "10000"}
    assert by_map(chosen) == {"shop/web+web-next": "cookie"}
