"""The ledger without idempotency keys: what is counted, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from drills_paper_kit import scene

from trimtab.drills.checkers.ledger import LedgerConduct
from trimtab.drills.faults.die_answering import judge
from trimtab.drills.faults.targets import check
from trimtab.errors import BadInput

URL = "https://api.shop.example:443/ledger/"


def answers(http2: str, http1: str) -> dict[str, tuple[str, str]]:
    def lines(said: str) -> str:
        return "".join(f"{line.split(':')[0]} {URL}{line.split(':')[1]}\n" for line in said.split())

    return {"asia-http2-0": ("http2", lines(http2)), "asia-http1.1-0": ("http1.1", lines(http1))}


def wrongs(told: dict[str, Any]) -> tuple[list[str], list[str]]:
    doubts: list[str] = []
    return list(LedgerConduct().wrongs("once", {}, {}, {}, told, doubts)), doubts


def test_what_was_done_once_is_right_whatever_was_answered() -> None:
    told = judge(answers("201:a 502:b 503:c", "201:d 502:e"), {"a": 1, "b": 1, "d": 1, "e": 1})
    assert told["answers"] == {"http2": {"201": 1, "502": 1, "503": 1}, "http1.1": {"201": 1, "502": 1}}
    assert (told["sent"], told["executed"], told["unanswered"]) == (5, 4, {"http1.1": 1, "http2": 1})
    assert wrongs({**told, "kills": 2}) == ([], [])


@pytest.mark.parametrize(
    ("done", "says"),
    [
        ({"a": 1, "b": 2, "d": 1, "e": 1}, "1 of 5 POSTs were executed more than once: b"),
        ({"a": 1, "b": 1, "e": 1}, "1 of 5 POSTs were answered 201 and are in no ledger: d"),
    ],
)
def test_twice_and_lost_are_wrong(done: dict[str, int], says: str) -> None:
    told = judge(answers("201:a 502:b 503:c", "201:d 502:e"), done)
    assert wrongs({**told, "kills": 2}) == ([says], [])


def test_a_kill_that_met_no_answer_shows_nothing() -> None:
    told = judge(answers("201:a 502:b", "201:d"), {"a": 1, "d": 1, "b": 1})
    assert wrongs({**told, "kills": 2}) == (
        [],
        ["no member died while it answered a POST of http1.1: 2 kills"],
    )
    assert wrongs({})[1] == ["no POST was sent to the ledger"]


def test_an_estate_that_takes_no_orders_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no service takes orders"):
        check(scene(ledger=None), {"site": "hk"}, "die-answering", "backends")
