"""When a daemon is restarted: lists of what was seen, one a second, and what follows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from tests.agent.control_kit import FakeUnits, events, now, run, silent, until

from trimtab.agent.runtime.loop import Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.supervision.heal import ATTEMPTS, FALSES, HELD_S, Action, History, Observation, decide
from trimtab.agent.supervision.healer import PACE, QUIET_S, Healer
from trimtab.agent_config import Probe, Unit
from trimtab.drivers.probe import Answer
from trimtab.drivers.units import UnitState
from trimtab.registry.record import Restart

ACTIVE = UnitState("x.service", "active")


def seen(word: str, restarts: int = 0) -> Observation:
    """T works, F does not, ? nobody could say; otherwise the unit's state."""
    kinds: dict[str, Any] = {"T": True, "F": False, "?": None}
    if word == "away":
        return Observation(None, None, "no supervisor")
    if word == "no leader":
        return Observation(ACTIVE, False, "503", blameless="no leader")
    if word in kinds:
        return Observation(replace(ACTIVE, restarts=restarts), kinds[word])
    return Observation(UnitState("x.service", word, restarts), None)  # type: ignore[arg-type]


def play(words: list[str], begin: float = 0.0, history: History | None = None) -> tuple[list[int], Action]:
    """One look a second; the seconds at which it was restarted, and the last action."""
    action, at = Action(history or History(), "unknown"), []
    for i, word in enumerate(words):
        action = decide(action.history, seen(word), begin + i)
        if action.restart:
            at.append(i)
    return at, action


@pytest.mark.parametrize(
    ("words", "restarted"),
    [
        ("TTTTTTTT", []),
        ("FFTFFTFFT", []),
        ("FFF", []),  # three, but within two seconds
        ("FFFF", [3]),
        ("TTFFFFT", [5]),
        ("F?F?F?", [4]),  # unknown neither counts nor forgives
        ("?????????", []),
        ("FTFTFTFTFT", []),
    ],
)
def test_wedged_is_three_times_no_over_three_seconds(words: str, restarted: list[int]) -> None:
    assert play(list(words))[0] == restarted


def test_dead_is_restarted_at_once_then_ever_more_slowly() -> None:
    restarted, action = play(["failed"] * 100)
    assert restarted == [0, 1, 3, 7, 15, 75]
    assert action.word == "escalated"
    assert action.history.escalated


def test_it_keeps_trying_each_minute_after_it_was_escalated() -> None:
    restarted, _ = play(["failed"] * 400)
    gaps = [b - a for a, b in pairwise(restarted)]
    assert gaps[:4] == [1, 2, 4, 8]
    assert set(gaps[4:]) == {60}


def test_what_held_is_forgotten() -> None:
    _, action = play(["failed"] * 20)
    assert action.history.attempts == ATTEMPTS
    _, action = play(["T"] * int(HELD_S), 20.0, action.history)
    assert action.word == "escalated", "not before it held"
    _, action = play(["T"] * 2, 20.0 + HELD_S, action.history)
    assert (action.word, action.history.attempts) == ("works", 0)
    assert play(["failed"], 60.0, action.history)[0] == [0]


def test_a_recovery_that_does_not_hold_is_none() -> None:
    words = (["failed"] + ["T"] * 10) * 6
    _, action = play(words)
    assert action.history.escalated


@pytest.mark.parametrize("word", ["activating", "deactivating", "missing", "away", "no leader"])
def test_left_alone(word: str) -> None:
    assert play([word] * 200)[0] == []


def test_a_supervisor_that_is_away_changes_nothing() -> None:
    history = History(falses=FALSES, false_at=0.0, attempts=2)
    assert decide(history, seen("away"), 100.0) == Action(history, "unknown", why="no supervisor")


def test_no_leader_says_so_and_forgives_the_noes_before() -> None:
    _, action = play(["F", "F", "no leader", "F", "F"])
    assert action.history.falses == 2
    assert play(["no leader"])[1].word == "no leader"


def test_restarts_by_the_supervisor_in_a_short_time_are_a_crash_loop() -> None:
    action = Action(History(), "unknown")
    for i in range(8):
        word = "activating" if i % 2 else "T"
        action = decide(action.history, seen(word, restarts=i), float(i))
        assert not action.restart
    assert action.word == "escalated"
    slow = Action(History(), "unknown")
    for i in range(20):
        slow = decide(slow.history, seen("T", restarts=i), i * 20.0)
    assert slow.word == "works"


def test_the_count_it_began_with_is_no_storm() -> None:
    assert decide(History(), seen("T", restarts=500), 0.0).word == "works"


def test_not_free_waits_and_does_not_count() -> None:
    action = decide(History(), seen("failed"), 0.0, free=False)
    assert (action.restart, action.history.attempts) == ("", 0)
    assert decide(action.history, seen("failed"), 1.0).restart == "dead"


# ---- the controller


class Stage:
    def __init__(self, *names: str, kind: Any = "http") -> None:
        self.supervisor, self.answers = FakeUnits(*names), dict.fromkeys(names, "HTTP/1.1 200 OK")
        self.log, self.stream = silent()
        units = tuple(Unit(name, Probe(kind, name)) for name in names)
        self.metrics, self.full, self.late = Metrics(), "", 0.0
        self.told: list[int] = []
        self.healer = Healer(
            units, self.supervisor, self.log, self.metrics, lambda: self.told.append(1), self.ask, self.is_full,
            lambda: 5000.0,
        )  # fmt: skip
        self.loop = Loop(self.healer, PACE, self.log, Metrics(), lambda: 0.5)
        self.task = asyncio.create_task(self.loop.run())

    async def is_full(self, unit: Unit) -> bool:
        return self.full == unit.name

    async def ask(self, probe: Any) -> Answer:
        await asyncio.sleep(self.late)
        text = self.answers[probe.target]
        return Answer("came", text) if text else Answer("silent", "no answer")

    async def end(self) -> None:
        self.loop.stop()
        await self.task


def test_never_in_the_first_seconds_and_never_two_at_once() -> None:
    async def work() -> None:
        stage = Stage("a.service", "b.service", kind="process")
        for name in stage.supervisor.states:
            stage.supervisor.states[name] = UnitState(name, "failed")
        began = now()
        await asyncio.sleep(12)
        first = dict(reversed(stage.supervisor.restarted))
        assert min(first.values()) - began >= QUIET_S
        times = sorted(at for _, at in stage.supervisor.restarted)
        assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))
        assert set(first) == {"a.service", "b.service"}
        await stage.end()

    run(work())


def test_one_that_hangs_is_restarted_within_ten_seconds_and_verified() -> None:
    async def work() -> None:
        stage = Stage("haproxy.service")
        await asyncio.sleep(20)
        assert stage.healer.words == {"haproxy.service": "works"}
        stage.answers["haproxy.service"], began = "", now()
        await until(lambda: stage.supervisor.restarted)
        assert 3.0 <= now() - began <= 10.0
        stage.answers["haproxy.service"] = "HTTP/1.1 200 OK"
        await asyncio.sleep(60)
        assert len(stage.supervisor.restarted) == 1
        assert stage.healer.words == {"haproxy.service": "works"}
        await stage.end()

    run(work())


def test_a_restart_is_told_with_the_reason_of_whoever_did_it() -> None:
    async def work() -> None:
        stage = Stage("haproxy.service")

        def runs(pid: int | None) -> None:
            stage.supervisor.states["haproxy.service"] = UnitState("haproxy.service", "active", pid=pid)

        runs(7)
        await asyncio.sleep(20)
        assert stage.healer.restarts == {}, "who has just begun has seen none"
        runs(None)
        await asyncio.sleep(5)
        runs(8)  # the supervisor's own
        await until(lambda: stage.healer.restarts)
        assert stage.healer.restarts["haproxy.service"].why == ""
        stage.answers["haproxy.service"] = ""
        await until(lambda: stage.supervisor.restarted)
        runs(9)
        stage.answers["haproxy.service"] = "HTTP/1.1 200 OK"
        await until(lambda: stage.healer.restarts["haproxy.service"].why)
        assert stage.healer.restarts["haproxy.service"] == Restart(5000.0, "no answer")
        assert stage.told, "it is news"
        await stage.end()

    run(work())


def test_five_in_vain_are_said_once_and_forgiven_when_it_works_again() -> None:
    async def work() -> None:
        stage = Stage("haproxy.service")
        await asyncio.sleep(10)
        stage.answers["haproxy.service"] = ""
        await asyncio.sleep(400)
        assert events(stage.stream).count("escalated: restarts do not help") == 1
        assert stage.healer.states() == {"haproxy.service": "escalated"}
        stage.answers["haproxy.service"] = "HTTP/1.1 200 OK"
        await asyncio.sleep(60)
        assert events(stage.stream)[-1] == "recovered"
        assert stage.healer.states() == {"haproxy.service": "works"}
        await stage.end()

    run(work())


def test_an_etcd_without_a_leader_is_not_restarted_but_one_that_is_silent_is() -> None:
    async def work() -> None:
        stage = Stage("etcd-registry.service")
        await asyncio.sleep(10)
        stage.answers["etcd-registry.service"] = "HTTP/1.1 503 Service Unavailable"
        await asyncio.sleep(100)
        assert stage.supervisor.restarted == []
        assert stage.healer.states() == {"etcd-registry.service": "no leader"}
        stage.answers["etcd-registry.service"] = ""
        await asyncio.sleep(20)
        assert stage.supervisor.restarted
        await stage.end()

    run(work())


@pytest.mark.parametrize("unit", ["haproxy.service", "nginx.service"])
def test_a_full_proxy_is_busy_and_not_restarted(unit: str) -> None:
    async def work() -> None:
        stage = Stage(unit, "etcd-registry.service")
        await asyncio.sleep(10)
        stage.full, stage.answers[unit] = unit, ""
        await asyncio.sleep(200)
        assert stage.supervisor.restarted == []
        assert stage.healer.states()[unit] == "busy"
        assert len([e for e in events(stage.stream) if e.startswith("busy")]) == 1
        refused = stage.metrics.registry.get_sample_value("trimtab_actions_refused_total", {"reason": "busy"})
        assert refused == 1
        stage.full, began = "", now()
        await until(lambda: stage.supervisor.restarted)
        assert 3.0 <= now() - began <= 10.0
        await stage.end()

    run(work())


def test_that_one_is_full_speaks_for_it_alone() -> None:
    async def work() -> None:
        stage = Stage("nginx.service", "haproxy.service")
        await asyncio.sleep(10)
        stage.full, stage.answers["nginx.service"] = "haproxy.service", ""
        await until(lambda: stage.supervisor.restarted)
        await stage.end()

    run(work())


def test_an_answer_that_came_far_too_late_tells_of_the_agent_not_of_the_daemon() -> None:
    async def work() -> None:
        stage = Stage("haproxy.service")
        await asyncio.sleep(10)
        stage.answers["haproxy.service"], stage.late = "", 2.5  # its deadline is 1 s
        await asyncio.sleep(100)
        assert stage.supervisor.restarted == []
        assert stage.healer.states() == {"haproxy.service": "unknown"}
        stage.late = 1.2
        await until(lambda: stage.supervisor.restarted)
        await stage.end()

    run(work())


def test_an_unreachable_supervisor_means_that_nothing_is_done() -> None:
    async def work() -> None:
        stage = Stage("haproxy.service")
        await asyncio.sleep(10)
        stage.supervisor.down = True
        stage.answers["haproxy.service"] = ""
        await asyncio.sleep(100)
        assert stage.supervisor.restarted == []
        assert stage.healer.states() == {"haproxy.service": "unknown"}
        await stage.end()

    run(work())


def test_what_somebody_stopped_stays_stopped() -> None:
    restarted, action = play(["inactive"] * 100)
    assert restarted == [] and action.word == "stopped"
