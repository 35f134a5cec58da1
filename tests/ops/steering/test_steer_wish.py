"""What is followed, over every combination; and what counts as done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.steer_kit import A6, MARKED, OURS, PLAIN, A, B

from trimtab.daemons.bird.wire import Adverts
from trimtab.ops.steering.wish import (
    STEPS,
    Committed,
    Doing,
    Judgement,
    Orders,
    PermitRef,
    Session,
    Step,
    judge,
    wish,
)

TTL = 30.0
COMMITTED = [None, *(Committed("a", step, "ann", "works", 1.0, "p0") for step in STEPS)]
DOING = [None, *(Doing("a", step, "p1", 7, TTL) for step in STEPS)]
PERMITS: dict[str, tuple[tuple[PermitRef, ...], bool]] = {
    "its own": ((PermitRef("p1", "drain", "a"),), True),
    "its own and others": ((PermitRef("p2", "drain", "a"), PermitRef("p1", "drain", "a")), True),
    "none": ((), False),
    "another's": ((PermitRef("p2", "drain", "a"),), False),
    "of another site": ((PermitRef("p1", "drain", "b"),), False),
    "empty": ((PermitRef("", "", ""),), False),
}
HEARD = {
    100.0: True,
    99.0: True,
    70.0: True,
    69.999: False,
    -inf: False,
    inf: False,
    nan: False,
    100.001: False,
}


@pytest.mark.parametrize("committed", COMMITTED)
@pytest.mark.parametrize("doing", DOING)
def test_every_combination(committed: Committed | None, doing: Doing | None) -> None:
    standing: Step = committed.step if committed else "serve"
    for (name, (permits, leave)), (heard, fresh) in product(PERMITS.items(), HEARD.items()):
        found = wish(committed, doing, permits, heard, now=100.0)
        counts = doing is not None and leave and fresh
        assert found.step == (doing.step if doing and counts else standing), (name, heard)
        assert found.token == (7 if counts else 0)
        assert found.doing is (doing if counts else None)
        assert found.why


@pytest.mark.parametrize("ttl_s", [0.0, -1.0, inf, nan])
def test_a_step_without_an_end_does_not_count(ttl_s: float) -> None:
    doing = Doing("a", "withdraw", "p1", 1, ttl_s)
    assert wish(None, doing, (PermitRef("p1", "drain", "a"),), heard=99.0, now=100.0).step == "serve"


def test_the_reason_says_who_and_why_not() -> None:
    committed = Committed("a", "prefer", "ann", "fibre works", 1.0)
    doing = Doing("a", "withdraw", "p1", 7, TTL)
    held = (PermitRef("p1", "drain", "a"),)
    assert wish(None, None, (), 0, 0).why == "nothing else was said"
    assert wish(committed, None, (), 0, 0).why == "committed by ann: fibre works"
    assert wish(committed, doing, held, 0, 0).why == "under way by permit p1"
    assert wish(committed, doing, (), 0, 0).why.endswith("; withdraw is not followed: its permit is gone")
    assert wish(None, doing, held, 0, 31).why.endswith("withdraw is not followed: not heard of for 30 s")


names = st.sampled_from(["a", "b", "", "p1"])
steps = st.sampled_from(STEPS)
times = st.floats() | st.integers(-5, 40).map(float)
committeds = st.none() | st.builds(Committed, names, steps, names, names, times, names)
doings = st.none() | st.builds(Doing, names, steps, names, st.integers(), times)
permits = st.lists(st.builds(PermitRef, names, names, names, times), max_size=3)


@given(committeds, doings, permits, times, times)
def test_nobody_withdraws_without_a_permit_or_a_committed_word(
    committed: Committed | None, doing: Doing | None, permits: list[PermitRef], heard: float, now: float
) -> None:
    found = wish(committed, doing, permits, heard, now)
    permitted = doing is not None and (doing.permit, doing.site) in {(each.id, each.site) for each in permits}
    said = "serve" if committed is None else committed.step
    assert found.step == said or (doing is not None and permitted and found.step == doing.step)
    if found.step == "withdraw" and said != "withdraw":
        assert doing is not None and permitted and now - heard <= doing.ttl_s


@given(committeds, doings, permits, st.floats(0, 100), st.floats(0, 1000), st.floats(0, 1000))
def test_what_has_undone_itself_does_not_come_back_by_itself(
    committed: Committed | None,
    doing: Doing | None,
    permits: list[PermitRef],
    heard: float,
    one: float,
    other: float,
) -> None:
    earlier, later = sorted((heard + one, heard + other))
    if wish(committed, doing, permits, heard, later).doing is not None:
        assert wish(committed, doing, permits, heard, earlier).doing is not None


def test_orders_of_another_site_are_none() -> None:
    mine, its = PermitRef("p1", "drain", "a"), PermitRef("p2", "drain", "b")
    orders = Orders(
        Committed("b", "withdraw", "", "", 0), Doing("b", "withdraw", "p2", 1, TTL), (mine, its), 5.0
    )
    assert orders.of("a") == Orders(None, None, (mine,), 5.0)
    assert orders.of("b") == Orders(orders.committed, orders.doing, (its,), 5.0)


# ---- is it so?


def session(told: Adverts, filtered: Adverts | None = None, name: str = "up_x4", up: bool = True) -> Session:
    return Session(name, int(name[-1]), up, told if filtered is None else filtered, told)


BOTH_PLAIN: Adverts = {A: PLAIN, B: PLAIN}
BOTH_MARKED: Adverts = {A: MARKED, B: MARKED}
OTHERS: Adverts = {A: frozenset({(64512, 1)}), B: PLAIN}


@pytest.mark.parametrize(
    ("step", "told", "verified"),
    [
        ("serve", BOTH_PLAIN, True),
        ("serve", OTHERS, True),
        ("serve", {A: PLAIN}, False),
        ("serve", {A: PLAIN, B: MARKED}, False),
        ("serve", {}, False),
        ("prefer", BOTH_MARKED, True),
        ("prefer", {A: MARKED | {(64512, 1)}, B: MARKED}, True),
        ("prefer", {A: MARKED}, True),
        ("prefer", {}, True),
        ("prefer", {A: MARKED, B: PLAIN}, False),
        ("prefer", OTHERS, False),
        ("withdraw", {}, True),
        ("withdraw", {A: MARKED}, False),
        ("withdraw", BOTH_PLAIN, False),
    ],
)
def test_what_was_told_decides(step: Step, told: Adverts, verified: bool) -> None:
    assert judge(step, (A, B), [session(told)]).verified is verified


@pytest.mark.parametrize(
    ("step", "told", "filtered", "late", "astray"),
    [
        ("withdraw", BOTH_PLAIN, {}, True, True),
        ("withdraw", BOTH_PLAIN, BOTH_PLAIN, False, True),  # the filters do not use the sets
        ("prefer", BOTH_PLAIN, BOTH_MARKED, True, True),
        ("serve", {}, BOTH_PLAIN, True, True),
        ("serve", BOTH_MARKED, BOTH_PLAIN, True, True),
        ("serve", {}, {}, False, False),  # no proxy holds them up: nothing to try again
        ("serve", {A: PLAIN}, {A: PLAIN}, False, False),
    ],
)
def test_whose_fault_it_is(step: Step, told: Adverts, filtered: Adverts, late: bool, astray: bool) -> None:
    found = judge(step, (A, B), [session(told, filtered)])
    assert not found.verified and found.astray is astray
    assert found.late == (("up_x4",) if late else ())


@pytest.mark.parametrize(("step", "verified"), [("serve", False), ("prefer", True), ("withdraw", True)])
def test_without_a_session_nobody_is_told_anything(step: Step, verified: bool) -> None:
    found = judge(step, OURS, [session({}, up=False), session({}, name="up_x6", up=False)])
    assert found.verified is verified and not found.astray
    assert judge(step, OURS, []) == Judgement(), "a router without upstreams has nobody to tell"


def test_each_family_that_has_upstreams_needs_one() -> None:
    up = session(BOTH_PLAIN)
    assert judge("serve", OURS, [up]).verified, "there is no upstream for IPv6"
    assert judge("serve", OURS, [up, session({}, up=False)]).verified
    found = judge("serve", OURS, [up, session({}, name="up_x6", up=False)])
    assert found.why == ("no IPv6 session with an upstream is up",)
    assert judge("serve", (A, B), [up, session({}, name="up_x6", up=False)]).verified


def test_every_upstream_counts() -> None:
    sessions: Sequence[Session] = [
        session({}),
        session({A6: PLAIN}, {}, "up_x6"),
        session({B: PLAIN}, name="up_y4"),
    ]
    found = judge("withdraw", OURS, sessions)
    assert found.why == (f"up_x6: {A6} is announced", f"up_y4: {B} is announced")
    assert found.late == ("up_x6",)
