"""The queue and its back-off, with times as plain numbers."""

from __future__ import annotations

import pytest

from trimtab.agent.runtime.backoff import Backoff, pause
from trimtab.agent.runtime.queue import Pace, Queue
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import Terminal, Unreachable

PACE = Pace(window=0.005, resync=10.0, first=0.1, most=5.0)


def middle() -> float:
    return 0.5


def queue(pace: Pace = PACE) -> Queue:
    made = Queue(pace, middle)
    made.resync(0.0)
    return made


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [
        (1, 0.0, 0.05),
        (1, 1.0, 0.1),
        (2, 1.0, 0.2),
        (3, 0.0, 0.2),
        (7, 1.0, 5.0),
        (500, 1.0, 5.0),
        (10_000, 0.0, 2.5),
    ],
)
def test_pauses_double_up_to_the_longest_and_leave_half_to_chance(
    failures: int, chance: float, seconds: float
) -> None:
    assert pause(failures, 0.1, 5.0, lambda: chance) == pytest.approx(seconds)


def test_a_success_begins_the_pauses_anew() -> None:
    backoff = Backoff(0.1, 5.0, lambda: 1.0)
    assert [backoff.failed(), backoff.failed()] == [0.1, 0.2]
    backoff.worked()
    assert backoff.failed() == 0.1


def test_marks_within_the_window_are_one_reconcile() -> None:
    found = queue()
    found.mark(["a"], 1.0)
    found.mark(["b", "a"], 1.004)
    assert found.take(1.004) == frozenset()
    assert found.take(1.005) == {"a", "b"}
    assert found.take(2.0) == frozenset()


def test_what_failed_waits_and_marks_do_not_shorten_that() -> None:
    found = queue()
    found.mark(["a", "b"], 1.0)
    found.take(1.1)
    found.failed(["a"], 1.1)
    found.mark(["a", "b"], 1.11)
    assert found.take(1.12) == {"b"}
    assert found.take(1.17) == frozenset()
    assert found.take(1.18) == {"a"}


def test_the_pause_grows_with_each_failure_and_ends_with_a_success() -> None:
    found, now, waits = queue(), 1.0, []
    found.mark(["a"], now)
    for _ in range(4):
        now += found.wait(now)
        assert found.take(now) == {"a"}
        found.failed(["a"], now)
        waits.append(round(found.wait(now), 3))
    assert waits == [0.075, 0.15, 0.3, 0.6]
    found.succeeded(["a"])
    assert found.failing() == frozenset()


def test_urging_forgets_the_pause() -> None:
    found = queue()
    found.mark(["a"], 1.0)
    found.take(2.0)
    found.failed(["a"], 2.0)
    found.urge(["a"], 2.0)
    assert found.take(2.0) == {"a"}


def test_a_mark_during_a_reconcile_is_not_lost() -> None:
    found = queue()
    found.mark(["a"], 1.0)
    assert found.take(1.1) == {"a"}
    found.mark(["a"], 1.2)  # while it runs
    found.succeeded(["a"])
    assert found.take(1.3) == {"a"}


def test_spacing_holds_reconciles_apart_but_not_the_first() -> None:
    found = queue(Pace(window=0.0, spacing=1.0, resync=0.0))
    found.mark(["a"], 5.0)
    assert found.take(5.0) == {"a"}
    found.mark(["a"], 5.1)
    assert found.take(5.9) == frozenset()
    assert found.wait(5.9) == pytest.approx(0.1)
    assert found.take(6.0) == {"a"}


def test_the_resync_comes_give_or_take_a_tenth() -> None:
    for chance, seconds in ((0.0, 9.0), (0.5, 10.0), (1.0, 11.0)):
        found = Queue(PACE, lambda chance=chance: chance)  # type: ignore[misc]
        assert found.resync(100.0)
        assert not found.resync(100.0 + seconds - 0.01)
        assert found.resync(100.0 + seconds + 0.01)


def test_failures_of_keys_that_are_gone_are_forgotten() -> None:
    found = queue()
    found.mark(["a", "b"], 1.0)
    found.failed(found.take(2.0), 2.0)
    found.keep_only(["a"])
    assert found.failing() == {"a"}


SOON = Result(requeue_after_s={"a": 3.0})
LATE = Result({"a": Unreachable("no")})
LOST = Result({"a": Terminal("no such value")})
NEVER = float("inf")


@pytest.mark.parametrize(
    ("result", "marks", "waits", "failing"),
    [
        (DONE, [], NEVER, False),
        (SOON, [], 3.0, False),
        (SOON, [1.0], 1.0, False),  # a mark that comes earlier takes its place
        (LATE, [], 0.075, True),
        (LATE, [0.0], 0.075, True),
        (LOST, [], NEVER, True),
        (LOST, [7.0], 7.0, True),
        (Result(LATE.failed, SOON.requeue_after_s), [], 0.075, True),
        (Result(LOST.failed, SOON.requeue_after_s), [], 3.0, True),
    ],
)
def test_what_becomes_of_a_key(result: Result, marks: list[float], waits: float, failing: bool) -> None:
    """marks, waits: seconds after the reconcile ended."""
    found = queue(Pace(window=0.0, resync=0.0))
    found.mark(["a"], 10.0)
    assert found.take(10.0) == {"a"}
    found.settle(["a"], result, 11.0)
    for at in marks:
        found.mark(["a"], 11.0 + at)
    assert found.wait(11.0) == pytest.approx(waits)
    assert (found.failing() == {"a"}) == failing


def test_however_often_it_is_read_meanwhile_there_is_one_chain_of_looks() -> None:
    """Else each reading would begin a chain of its own, and what is looked at again be asked for ever more often."""
    found, looks = queue(Pace(window=0.0, resync=0.0)), 0
    for tick in range(6000):  # ten minutes, in the first of which somebody else marks it ten times a second
        now = tick / 10
        if now < 60:
            found.mark(["a"], now)
        if keys := found.take(now):
            looks += now >= 60
            found.settle(keys, SOON, now)
    assert looks == 540 / 3


def test_what_failed_for_good_begins_its_pauses_anew() -> None:
    found = queue(Pace(window=0.0, resync=0.0, first=0.1))
    for _ in range(3):
        found.mark(["a"], 10.0)
        found.settle(found.take(20.0), LATE, 20.0)
    found.settle(["a"], LOST, 30.0)
    found.settle(["a"], LATE, 40.0)
    assert found.wait(40.0) == pytest.approx(0.075)
