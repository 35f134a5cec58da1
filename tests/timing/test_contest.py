"""What is computed for an election is what its messages do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.estate.make import estate
from tests.timing.make import DEFAULTS, TWO_SITES, example, two_sites
from tests.timing.raft import elections
from trimtab.estate.inventory import Inventory
from trimtab.timing import etcd
from trimtab.timing.contest import Contest, lasts
from trimtab.timing.parts import Group

DRAWS = 6_000


def contest(ways: Sequence[Sequence[float]], quorum: int, *, beat: float = 0.05, ticks: int = 10) -> Contest:
    leader = tuple(sorted(ways[0])[-1] for _ in ways)
    return Contest(beat, ticks, quorum, leader, tuple(tuple(row) for row in ways))


def alike(survivors: int, quorum: int, way: float, *, ticks: int = 10) -> Contest:
    """Everybody as far from everybody else."""
    return contest(
        [[0.0 if a == b else way for b in range(survivors)] for a in range(survivors)], quorum, ticks=ticks
    )


SHOP = contest([[0.0, 0.085], [0.085, 0.0]], 2, beat=0.055, ticks=20)
EXACT = {
    "two of three, as in the shop": SHOP,
    "two of three, in one site": alike(2, 2, 0.001),
    "three of five": alike(3, 3, 0.04),
    "four of five": alike(4, 3, 0.04),
    "six of seven": alike(6, 4, 0.04, ticks=12),
}
# Whose votes may go to either of two who ask: those are counted as split.
CAREFUL = {
    "four of five, unlike": contest(
        [[0, 0.005, 0.04, 0.08], [0.005, 0, 0.04, 0.08], [0.04, 0.04, 0, 0.06], [0.08, 0.08, 0.06, 0]], 3, ticks=20
    ),
    "three of five, two in one site": contest([[0, 0.001, 0.04], [0.001, 0, 0.04], [0.04, 0.04, 0]], 3),
}  # fmt: skip


def simulated(one: Contest, share: float, found: list[tuple[float, int]]) -> float:
    return sorted(seconds for seconds, _ in found)[int(share * len(found))]


@pytest.mark.parametrize("name", EXACT)
def test_it_lasts_as_long_as_its_messages_take(name: str) -> None:
    one = EXACT[name]
    found = elections(one, DRAWS)
    for share in (0.1, 0.5, 0.9):
        assert lasts(one).until(share) == pytest.approx(simulated(one, share, found), abs=one.heartbeat), (
            share
        )
    late = simulated(one, 0.98, found)
    assert 1 - lasts(one).by(late) == pytest.approx(0.02, abs=0.007)


@pytest.mark.parametrize("name", CAREFUL)
def test_votes_that_may_go_either_way_make_it_longer_never_shorter(name: str) -> None:
    one = CAREFUL[name]
    found = elections(one, DRAWS)
    for share in (0.1, 0.5, 0.9, 0.99):
        assert lasts(one).until(share) > simulated(one, share, found) - 0.5 * one.heartbeat, share
    assert lasts(one).until(0.99) < 1.5 * simulated(one, 0.99, found)


def test_a_split_vote_costs_a_round() -> None:
    """Without one the last survivor's time-out, two round trips and the write end it: 39 heartbeats and 85 + 4 x 170 ms."""
    longest = (2 * SHOP.ticks - 1) * SHOP.heartbeat + 0.085 + 4 * 0.17
    assert 0.12 < 1 - lasts(SHOP).by(longest) < 0.16
    assert lasts(SHOP).by(lasts(SHOP).start) == 0 and lasts(SHOP).over[-1] == pytest.approx(1, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(n // 2 + 1, n), st.floats(0.001, 0.2), st.integers(5, 20))
    )
)
def test_chances_rise_to_one(drawn: tuple[int, int, float, int]) -> None:
    survivors, quorum, way, ticks = drawn
    found = lasts(alike(survivors, max(2, quorum), way, ticks=ticks)).over
    assert all(low <= high + 1e-12 for low, high in pairwise(found))
    assert found[0] == 0 and found[-1] <= 1 + 1e-9


def test_farther_survivors_split_the_vote_more_often() -> None:
    late = [1 - lasts(alike(2, 2, way)).by(2.0) for way in (0.001, 0.02, 0.05, 0.08)]
    assert late == sorted(late) and late[0] < 0.002 < 0.1 < late[-1]


def contests(inventory: Inventory, *, one_host: bool = False) -> tuple[Contest, ...]:
    election = etcd.election(inventory, one_host=one_host)
    assert isinstance(election, Group)
    return election.contests


def test_the_shops_elections_by_the_site_that_is_lost() -> None:
    """hk, sg, la: 35, 150 and 170 ms between them."""
    assert [(c.ways[0][1], c.leader, c.quorum) for c in contests(example("shop"))] == [
        (0.085, (0.0175, 0.075), 2),
        (0.075, (0.0175, 0.085), 2),
        (0.0175, (0.075, 0.085), 2),
    ]
    assert contests(example("shop"))[0].ticks == 20 and contests(example("shop"))[0].heartbeat == 0.055


def test_a_site_whose_loss_leaves_no_majority_elects_nobody() -> None:
    """`one` has two of three members: only the other site's loss leaves enough; of single hosts any."""
    assert [c.ways for c in contests(two_sites())] == [((0.0, 0.001), (0.001, 0.0))]
    assert {c.ways[0][1] for c in contests(two_sites(), one_host=True)} == {0.001, 0.005}


def test_many_members_are_no_burden() -> None:
    many = (
        TWO_SITES.format(**DEFAULTS).replace("orders: 2}", "orders: 16}").replace("orders: 1}", "orders: 15}")
    )
    (one,) = {c.quorum for c in contests(Inventory(estate(many)))}
    assert one == 16
    assert lasts(contests(Inventory(estate(many)))[0]).over[-1] <= 1 + 1e-9
