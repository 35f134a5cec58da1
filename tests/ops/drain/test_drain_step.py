"""The next move, from every reading that matters."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.drain.drain_kit import BACK, OUT, ROUTERS, WORD, back, both, doing, done, plan, seen

from trimtab.ops.drain.plan import Commit, Finished, Move, Plan, Progress, Seen, SetStep, Undo, Wait
from trimtab.ops.drain.step import next_move, noted
from trimtab.ops.steering.wish import Committed

PREFER, WITHDRAW, ALL_P, ALL_W = doing("prefer"), doing("withdraw"), both("prefer"), both("withdraw")
ONE_P, ONE_W = {"hk-r1": done("prefer")}, {"hk-r1": done("withdraw")}
AGAIN = Committed("hk", "withdraw", "eve", "", 5.0, "p9")
OURS = Seen(9, committed=Committed("hk", "withdraw", "bob", "", 1.0, "p1"))
UNVERIFIED = {**ALL_P, "hk-r2": done("prefer", verified=False, host="hk-r2", amiss="up_4: is announced")}
OTHER = doing("prefer", permit="p8")
LATE = Progress("prefer", 100.0, None, "late")

FRESH, P, READY, W = (
    Progress(),
    Progress("prefer", 100.0),
    Progress("prefer", 100.0, 105.0),
    Progress("withdraw", 200.0),
)
LATE_P, LATE_W = "prefer was not done within 20 s: ", "withdraw was not done within 20 s: "


def prefer(**more: Any) -> Seen:
    return seen(doing=PREFER, **more)


def withdraw(**more: Any) -> Seen:
    return seen(doing=WITHDRAW, **more)


# What is remembered, what is read, now; the move, with a part of its text.
OUTWARD: dict[str, tuple[Progress, Seen, float, Move]] = {
    "it begins": (FRESH, seen(), 100, SetStep("prefer", 5, "announced as second choice")),
    "it waits for another one": (FRESH, seen(doing=OTHER), 100, Wait("is under way, by permit p8", 120)),
    "… not for ever": (Progress(None, 100.0), seen(doing=OTHER), 120, Undo("nothing could begin within 20 s: another")),
    "nobody has answered": (FRESH, prefer(), 100, Wait("hk-r1 has said nothing; hk-r2 has said nothing", 120)),
    "one has answered": (P, prefer(done=ONE_P), 119, Wait("hk-r2 has said nothing", 120)),
    "an answer to an older step": (P, prefer(done=both("prefer", 4)), 101, Wait("hk-r1 has not answered", 120)),
    "an answer of the same number": (W, withdraw(done=ALL_P), 201, Wait("hk-r1 has not answered", 220)),
    "one cannot verify it": (P, prefer(done=UNVERIFIED), 101, Wait("hk-r2 has not verified it: up_4: is", 120)),
    "one is missing for too long": (P, prefer(done=ONE_P), 120, Undo(LATE_P + "hk-r2 has said nothing")),
    "all have": (P, prefer(done=ALL_P), 105, Wait("clients are leaving", 135)),
    "they leave": (READY, prefer(done=ALL_P), 134.9, Wait("clients are leaving", 135)),
    "they have left": (READY, prefer(done=ALL_P), 135, SetStep("withdraw", 6, "no longer announced")),
    "one falls back while they leave": (READY, prefer(done=ONE_P), 119, Wait("hk-r2 has said nothing", 120)),
    "one falls back after the time": (READY, prefer(done=ONE_P), 121, Undo(LATE_P + "hk-r2 has said nothing")),
    "no withdrawal can be written": (READY, prefer(done=ALL_P), 155, Undo(LATE_P + "it could not be written")),
    "withdrawn, not everywhere": (W, withdraw(done=ONE_W), 201, Wait("hk-r2 has said nothing", 220)),
    "withdrawn, and heard": (W, withdraw(done=ALL_W, heard=("sg-r1",)), 201, Wait("still heard by sg-r1", 220)),
    "heard for too long": (W, withdraw(done=ALL_W, heard=("sg", "ny")), 220, Undo(LATE_W + "still heard by ny, sg")),
    "it may be heard before": (READY, prefer(done=ALL_P, heard=("sg-r1",)), 135, SetStep("withdraw", 6)),
    "withdrawn": (W, withdraw(done=ALL_W), 201, Commit("every router has verified it, no external router has the route")),
    "no commit can be written": (W, withdraw(done=ALL_W), 220, Undo(LATE_W + "it could not be written")),
    "committed": (W, OURS, 201, Finished(True, "hk is drained")),
    "committed, and the lease has ended": (W, replace(OURS, lives=False), 201, Finished(True)),
    "committed, though it was given up": (LATE, OURS, 201, Finished(True)),
    "committed by somebody else": (P, prefer(committed=AGAIN), 101, Undo("eve has committed withdraw meanwhile")),
    "refused now": (FRESH, seen(objections=("no",)), 100, Undo("it would be refused now: no")),
    "refused while they leave": (READY, prefer(done=ALL_P, objections=("a", "b")), 110, Undo("refused now: a; b")),
    "refused before the commit": (W, withdraw(done=ALL_W, objections=("a",)), 201, Undo("refused now: a")),
    "given up stays given up": (LATE, prefer(done=ALL_P), 101, Undo("late")),
    "given up, its step is gone": (LATE, seen(), 101, Undo("late")),
    "given up and gone": (LATE, seen(permit=False), 101, Finished(False, "late")),
    "given up, and not to be written": (LATE, prefer(), 120, Finished(False, "it could not be undone, and ends with")),
    "the permit is gone": (P, seen(permit=False), 101, Finished(False, "the permit is gone")),
    "the permit is gone, the step is not": (P, prefer(permit=False), 101, Undo("the permit is gone")),
    "the lease has ended": (P, prefer(lives=False), 101, Finished(False, "the lease has ended")),
    "the lease has ended meanwhile": (LATE, prefer(lives=False), 101, Finished(False, "late")),
}  # fmt: skip


def second(**more: Any) -> Seen:
    return back(permit=True, doing=doing("prefer", permit="p2"), **more)


BACKWARD: dict[str, tuple[Progress, Seen, float, Move]] = {
    "it begins": (FRESH, back(), 100, SetStep("prefer", 5, "announced as second choice")),
    "nobody is asked whether it may": (FRESH, back(objections=("frozen",)), 100, SetStep("prefer", 5)),
    "nobody has answered": (P, second(), 101, Wait("hk-r1 has said nothing", 120)),
    "its front is not reached": (P, second(done=ALL_P), 101, Wait("no quorum reaches the site endpoint of hk", 120)),
    "its front is reached": (P, second(done=ALL_P, serving=True), 101, Wait("clients are coming back", 131)),
    "they have come": (
        replace(P, ready=101.0), second(done=ALL_P, serving=True), 131, Commit("every router has verified it"),
    ),
    "too late, others carry": (P, second(done=ALL_P), 120, Undo(LATE_P + "no quorum")),
    "too late, nobody else carries": (P, second(done=ALL_P, others=()), 120, Wait("no quorum", inf)),
    "in time for that": (P, second(done=ALL_P, others=(), serving=True), 500, Wait("clients are coming", 530)),
    "it is back": (P, Seen(9), 101, Finished(True, "hk serves")),
    "it is back, and the lease has ended": (P, Seen(9, lives=False), 101, Finished(True, "hk serves")),
    "somebody else has brought it back": (P, second(committed=None), 101, Undo("was taken back meanwhile")),
    "drained anew": (P, second(committed=AGAIN), 101, Undo("eve has committed withdraw meanwhile")),
    "drained anew before it began": (FRESH, back(committed=AGAIN), 101, Finished(False, "eve has committed")),
    "its step is gone": (P, back(), 101, SetStep("prefer", 5)),
    "another one is at it": (FRESH, back(doing=OTHER), 100, Wait("by permit p8", 120)),
    "given up and gone": (LATE, back(), 101, Finished(False, "late")),
    "the lease has ended": (P, back(lives=False), 101, Finished(False, "the lease has ended")),
}  # fmt: skip


RAMPED = plan("back", ramp=(3, 1), pause_s=10.0)
ALL_S = both("serve")
P_READY, S3, S3_READY, S1_READY = (
    replace(P, ready=101.0),
    Progress("serve", 140.0, prepend=3),
    Progress("serve", 140.0, 141.0, prepend=3),
    Progress("serve", 160.0, 161.0, prepend=1),
)


def ramped(prepend: int, **more: Any) -> Seen:
    return back(permit=True, doing=replace(doing("serve", permit="p2"), prepend=prepend), **more)


RAMP: dict[str, tuple[Progress, Seen, float, Move]] = {
    "it begins as ever": (FRESH, back(), 100, SetStep("prefer", 5, "announced as second choice")),
    "second choice rests for settle": (
        P_READY, second(done=ALL_P, serving=True), 130.9, Wait("clients are coming back", 131),
    ),
    "then with the longest path": (
        P_READY, second(done=ALL_P, serving=True), 131, SetStep("serve", 6, "hk is announced with 3 prepended", 3),
    ),
    "which every router has to verify": (S3, ramped(3, done={"hk-r1": done("serve")}), 141, Wait("hk-r2 has said nothing", 160)),
    "and a quorum has to reach": (S3, ramped(3, done=ALL_S), 141, Wait("no quorum reaches", 160)),
    "it rests for the pause": (S3_READY, ramped(3, done=ALL_S, serving=True), 150.9, Wait("clients are coming back", 151)),
    "then with a shorter one": (
        S3_READY, ramped(3, done=ALL_S, serving=True), 151, SetStep("serve", 6, "hk is announced with 1 prepended", 1),
    ),
    "the last one rests too": (S1_READY, ramped(1, done=ALL_S, serving=True), 170, Wait("clients are coming", 171)),
    "then as the estate has it": (S1_READY, ramped(1, done=ALL_S, serving=True), 171, Commit("every router has")),
    "a step in its middle is begun anew from what is read": (
        Progress(), ramped(1, done=ALL_S, serving=True), 200, Wait("clients are coming back", 210),
    ),
    "too late while others carry": (S3, ramped(3, done=ALL_S), 160, Undo("serve was not done within 20 s: no quorum")),
    "too late while nobody else does": (S3, ramped(3, done=ALL_S, others=()), 160, Wait("no quorum", inf)),
    "the lease has ended": (S3, back(lives=False), 161, Finished(False, "the lease has ended")),
    "drained anew": (S3, ramped(3, committed=AGAIN), 141, Undo("eve has committed withdraw meanwhile")),
}  # fmt: skip


@pytest.mark.parametrize(("progress", "read", "now", "expected"), RAMP.values(), ids=RAMP)
def test_the_next_move_of_a_ramp(progress: Progress, read: Seen, now: float, expected: Move) -> None:
    check(RAMPED, progress, read, now, expected)


@pytest.mark.parametrize("ramp", [(1, 3), (2, 2), (0,), (3, 0), (-1,)])
def test_a_ramp_gets_shorter_and_ends_above_nothing(ramp: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="each step prepends less"):
        plan("back", ramp=ramp)


def text_of(move: Move) -> str:
    return move.why


def bare(move: Move) -> Move:
    return replace(move, why="")


@pytest.mark.parametrize(("progress", "read", "now", "expected"), OUTWARD.values(), ids=OUTWARD)
def test_the_next_move_out(progress: Progress, read: Seen, now: float, expected: Move) -> None:
    check(plan(), progress, read, now, expected)


@pytest.mark.parametrize(("progress", "read", "now", "expected"), BACKWARD.values(), ids=BACKWARD)
def test_the_next_move_back(progress: Progress, read: Seen, now: float, expected: Move) -> None:
    check(plan("back"), progress, read, now, expected)


def check(asked: Plan, progress: Progress, read: Seen, now: float, expected: Move) -> None:
    move = next_move(asked, progress, read, now)
    assert bare(move) == bare(expected)
    assert text_of(expected) in text_of(move)
    remembered = noted(asked, progress, read, now)
    assert bare(next_move(asked, remembered, read, now)) == bare(move), "twice is the same as once"
    assert noted(asked, remembered, read, now) == remembered


def test_it_rests_at_least_as_long_as_routers_follow_unheard() -> None:
    quick = plan(settle_s=0.0)
    read = prefer(done=ALL_P)
    assert next_move(quick, READY, read, 114.9) == Wait("clients are leaving", 115.0)
    assert isinstance(next_move(quick, READY, read, 115.0), SetStep)


def test_a_standing_word_that_was_known_is_replaced() -> None:
    """Steered away from, for good, it can be drained all the same."""
    away = Committed("hk", "prefer", "ann", "", 1.0)
    assert isinstance(next_move(plan(lifts=away), Progress(), seen(committed=away), 1.0), SetStep)
    assert isinstance(next_move(plan(lifts=away), Progress(), seen(), 1.0), Undo)


@pytest.mark.parametrize(
    ("read", "token"),
    [
        (seen(revision=4), 5),
        (seen(revision=4, done=both("serve", 0)), 5),
        (seen(revision=4, done=both("prefer", 90)), 91),
    ],
)
def test_a_token_is_higher_than_any_answer(read: Seen, token: int) -> None:
    move = next_move(plan(), Progress(), read, 0.0)
    assert isinstance(move, SetStep)
    assert move.token == token


@pytest.mark.parametrize(
    "wrong",
    [
        {"routers": ()},
        {"permit": replace(OUT, site="sg")},
        {"permit": BACK},
        {"permit": replace(OUT, kind="drain-proxy")},
        {"settle_s": -1.0},
        {"settle_s": float("nan")},
        {"step_limit_s": 0.0},
        {"ttl_s": 0.0},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        plan(**wrong)


def test_the_request_is_judged_anew_as_it_was_asked() -> None:
    request = plan(force=True).request
    assert (request.kind, request.site, request.target, request.by, request.force) == (
        "drain-site",
        "hk",
        "hk",
        "bob",
        True,
    )


# ---- what holds for every reading

DOINGS = st.sampled_from([None, PREFER, WITHDRAW, doing("prefer", permit="p2"), doing("prefer", 3, "p8")])
DONES = st.dictionaries(
    st.sampled_from(ROUTERS),
    st.builds(
        done, st.sampled_from(["serve", "prefer", "withdraw"]), st.sampled_from([0, 4, 5]), st.booleans()
    ),
)
READINGS = st.builds(
    Seen,
    st.just(4),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, WORD, AGAIN, Committed("hk", "withdraw", "bob", "", 1.0, "p1")]),
    DOINGS,
    DONES,
    st.sampled_from([(), ("sg-r1",)]),
    st.sampled_from([(), ("no",)]),
    st.booleans(),
    st.sampled_from([(), ("sg",)]),
)
PROGRESSES = st.builds(
    Progress,
    st.sampled_from([None, "prefer", "withdraw"]),
    st.none() | st.floats(0, 100),
    st.none() | st.floats(0, 100),
    st.sampled_from(["", "late"]),
)


@given(st.sampled_from(["out", "back"]), PROGRESSES, READINGS, st.floats(0, 300))
@settings(deadline=None, max_examples=400)
def test_no_reading_leads_where_it_must_not(way: Any, progress: Progress, read: Seen, now: float) -> None:
    asked = plan(way)
    move = next_move(asked, progress, read, now)
    verified = all((d := read.done.get(host)) is not None and d.verified for host in ROUTERS)
    match move:
        case SetStep("withdraw"):
            assert way == "out" and read.permit and read.lives and not read.objections and verified
            assert read.step_of(asked) == "prefer"
        case SetStep(step, token):
            assert step == "prefer" and read.doing is None and token > read.revision
            assert way == "back" or (read.permit and not read.objections)
        case Commit():
            assert read.lives and verified
            assert read.step_of(asked) == ("withdraw" if way == "out" else "prefer")
            assert way == "back" or (read.permit and not read.objections and not read.heard)
            assert way == "out" or read.serving
        case Wait(why, until):
            assert why and until > now
        case Undo(why):
            assert why and (read.permit or read.step_of(asked))
        case Finished(ended):
            assert ended or not read.lives or not read.permit or progress.undo
