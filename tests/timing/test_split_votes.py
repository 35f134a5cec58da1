"""The figures of docs/timing.md about elections: computed, and simulated message by message (`tests/timing/raft.py`)."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest

from tests.timing.make import example
from tests.timing.raft import elections
from trimtab.timing import etcd
from trimtab.timing.budget import budgets
from trimtab.timing.chance import SHARE, least, within
from trimtab.timing.client import ORDER_CLIENT
from trimtab.timing.parts import Group, Part

ROOT = Path(__file__).parents[2]
DRAWS = 30_000
SAID = re.compile(
    r"About one vote in (?P<one_in>\d+) is split.*?Of the writes after a power cut (?P<a>[\d.]+) % are back within "
    r"(?P<a_s>[\d.]+) s, (?P<b>[\d.]+) % within (?P<b_s>[\d.]+) s and (?P<c>[\d.]+) % within (?P<c_s>[\d.]+) s; "
    r"the shop promises (?P<promised>[\d.]+) s\..*?in `ecommerce`.*?(?P<d>[\d.]+) % of the writes are back within (?P<d_s>[\d.]+) s"
)  # fmt: skip


def said() -> dict[str, float]:
    found = SAID.search(" ".join((ROOT / "docs/timing.md").read_text().split()))
    assert found, "docs/timing.md tells other things than this test reads"
    return {name: float(figure) for name, figure in found.groupdict().items()}


def writes(name: str) -> Part:
    budget = next(one for one in budgets(example(name)) if one.fault == "site-power-cut")
    return budget.twin["write_outage_s"].part


@cache
def simulated() -> tuple[float, list[float]]:
    """(how many of the shop's votes are split where hk is lost, seconds until writes are back)."""
    election = etcd.election(example("shop"))
    assert isinstance(election, Group)
    found, draw = elections(election.contests[0], DRAWS), random.Random(2)
    waits = [seconds + draw.uniform(0.0, ORDER_CLIENT.time.high) for seconds, _ in found]
    return sum(split > 0 for _, split in found) / DRAWS, waits


def test_how_often_a_vote_is_split() -> None:
    split, _ = simulated()
    assert 1 / said()["one_in"] == pytest.approx(split, rel=0.1)


@pytest.mark.parametrize("which", ["a", "b", "c"])
def test_how_often_writes_are_back_in_time(which: str) -> None:
    told = said()
    share, seconds = told[which] / 100, told[f"{which}_s"]
    computed = within(writes("shop"), seconds)
    assert share <= computed < share + 0.001, "cut off after the first digit"
    _, waits = simulated()
    assert sum(wait <= seconds for wait in waits) / DRAWS == pytest.approx(computed, abs=0.003)


def test_what_the_shop_promises_is_kept_by_999_of_1000() -> None:
    promised = example("shop").estate.objectives.write.rto
    assert promised == said()["promised"] and within(writes("shop"), promised) >= SHARE
    _, waits = simulated()
    assert sum(wait <= promised for wait in waits) / DRAWS >= SHARE - 0.0004


def test_the_comment_in_the_shop_says_the_same() -> None:
    told = re.search(
        r"takes up to ([\d.]+) s; one in seven is split.*?: ([\d.]+) % are within ([\d.]+) s",
        (ROOT / "examples/shop/estate.yaml").read_text(), re.DOTALL,
    )  # fmt: skip
    assert told and said()["one_in"] == 7
    assert float(told[1]) == pytest.approx(writes("shop").time.high, abs=0.05)
    assert within(writes("shop"), float(told[3])) >= float(told[2]) / 100


def test_members_that_are_near_each_other() -> None:
    told = said()
    assert least(writes("ecommerce"), told["d"] / 100) == pytest.approx(told["d_s"], abs=0.1)
