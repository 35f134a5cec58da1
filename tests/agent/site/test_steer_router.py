"""The controller: what upstreams hear, what the disk has, what is reported; after kills, restarts, losses and strangers' hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.agent.steer_kit import MARKED, PLAIN, A, Stage, conf_of, everywhere

from trimtab.agent.site import steer_file as file
from trimtab.agent.site.steer import RouterSteer
from trimtab.agent.site.steer_file import Steered, text
from trimtab.daemons.bird.wire import Prefix
from trimtab.drivers.files import write_atomically
from trimtab.errors import Refused, Unreachable
from trimtab.ops.steering.wish import STEPS, Committed, Doing, Done, Orders, PermitRef, Step

HEARD = {"serve": everywhere(PLAIN), "prefer": everywhere(MARKED), "withdraw": everywhere(None)}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_each_step_reaches_every_upstream_and_twice_changes_nothing(stage: Stage) -> None:
    steps: tuple[Step, ...] = ("serve", "prefer", "withdraw", "serve", "withdraw", "prefer")
    for step in steps:
        stage.commit(step)
        done = stage.sync()
        assert stage.heard() == HEARD[step]
        assert stage.conf.read_text() == conf_of(step)
        assert done == Done("a", "a-router-1", step, 0, True, 1e9, "committed by ann: works")
        calls, files = list(stage.bird.calls), stamps(stage.folder)
        stage.wall += 5
        assert stage.sync() == done, "the same value, and since the same time"
        stage.wall -= 5
        assert stage.bird.calls == calls
        assert stamps(stage.folder) == files
    assert set(stage.bird.calls) == {"configure"}


def test_a_step_under_way_is_followed_and_reported_with_its_token(stage: Stage) -> None:
    stage.do("prefer", token=7)
    first = stage.sync()
    stage.wall += 3
    stage.do("prefer", token=8)
    second = stage.sync()
    assert first and second and (first.token, second.token) == (7, 8)
    assert (second.step, second.verified, second.at) == ("prefer", True, 1e9 + 3)
    assert stage.bird.calls == ["configure"], "another token is the same announcement"


def test_it_undoes_itself_when_nobody_keeps_it_up(stage: Stage) -> None:
    stage.commit("prefer")
    stage.do("withdraw", ttl_s=30.0)
    stage.sync()
    assert stage.heard() == everywhere(None)
    stage.now += 30.0
    stage.sync()
    assert stage.heard() == everywhere(None)
    stage.now += 0.1
    done = stage.sync()
    assert stage.heard() == everywhere(MARKED), "what was committed before it"
    assert done and (done.step, done.token, done.verified) == ("prefer", 0, True)
    assert "not heard of for 30 s" in done.why


def test_of_the_permits_only_its_own_is_remembered(stage: Stage) -> None:
    stage.do("withdraw")
    assert stage.orders
    others = tuple(PermitRef(f"q{number}", "drain", "a") for number in range(50))
    stage.orders = replace(stage.orders, permits=(*others, *stage.orders.permits))
    stage.sync()
    saved = stage.saved()
    assert saved and saved.doing and [permit.id for permit in saved.permits] == ["p1"]


def test_a_step_that_ran_out_is_not_kept_for_later(stage: Stage) -> None:
    stage.do("withdraw", ttl_s=30.0)
    stage.sync()
    stage.orders, stage.now = None, stage.now + 31.0
    stage.restart()
    stage.sync()
    saved = stage.saved()
    assert saved and saved.doing is None and stage.heard() == everywhere(PLAIN)


def test_a_permit_that_is_taken_back_ends_the_step(stage: Stage) -> None:
    stage.do("withdraw")
    stage.sync()
    assert stage.orders and stage.heard() == everywhere(None)
    stage.orders = Orders(None, stage.orders.doing, (), stage.now)
    stage.sync()
    assert stage.heard() == everywhere(PLAIN)


def test_what_is_of_another_site_is_not_followed(stage: Stage) -> None:
    stage.commit("withdraw", site="b")
    stage.do("withdraw", site="b")
    stage.sync()
    assert stage.heard() == everywhere(PLAIN)
    assert stage.saved() == Orders(None, None, (), stage.now)


# ---- without the store


@pytest.mark.parametrize("step", STEPS)
def test_a_committed_word_stays_over_a_restart_and_a_boot_without_the_store(stage: Stage, step: Step) -> None:
    stage.commit(step)
    stage.sync()
    stage.orders, stage.now, stage.boot = None, 3.0, "boot-2"
    stage.restart()
    done = stage.sync()
    assert stage.heard() == HEARD[step]
    assert done and (done.step, done.verified) == (step, True)


def test_a_restart_neither_cuts_a_step_short_nor_prolongs_it(stage: Stage) -> None:
    stage.do("withdraw", ttl_s=30.0)
    stage.sync()
    for _ in range(3):  # an agent that crashes again and again does not begin its time anew
        stage.now += 10.0
        stage.orders = None
        stage.restart()
        stage.sync()
        assert stage.heard() == everywhere(None)
    stage.now += 0.1
    stage.restart()
    done = stage.sync()
    assert stage.heard() == everywhere(PLAIN) and done and done.verified


def test_a_step_that_was_under_way_before_a_boot_is_over(stage: Stage) -> None:
    stage.commit("prefer")
    stage.do("withdraw", ttl_s=1e6)
    stage.sync()
    stage.orders, stage.boot = None, "boot-2"
    stage.restart()
    stage.sync()
    assert stage.heard() == everywhere(MARKED)


def test_one_that_was_refused_is_not_remembered_as_under_way(stage: Stage) -> None:
    stage.do("withdraw", permit="p9")
    stage.sync()
    saved = stage.saved()
    assert saved is not None and saved.doing is None and stage.heard() == everywhere(PLAIN)


@pytest.mark.parametrize("memory", [None, "", "{", '{"version":9}'])
def test_who_knows_nothing_leaves_everything_as_it_stands(stage: Stage, memory: str | None) -> None:
    stage.commit("withdraw")
    stage.sync()
    stage.memory.unlink()
    if memory is not None:
        stage.memory.write_text(memory)
    stage.orders = None
    stage.restart()
    before = stage.folder.stat().st_mtime_ns, list(stage.bird.calls)
    assert stage.sync() is None, "and claims nothing"
    assert (stage.folder.stat().st_mtime_ns, stage.bird.calls) == before
    assert stage.heard() == everywhere(None)


def test_the_first_start_leaves_a_file_that_bird_can_include(stage: Stage) -> None:
    stage.orders = None
    assert stage.sync() is None
    assert stage.stands() == Steered() and stage.bird.calls == []


def test_the_store_has_the_last_word_over_the_memory(stage: Stage) -> None:
    stage.commit("withdraw")
    stage.sync()
    stage.orders = Orders(None, None, (), stage.now)
    stage.restart()
    stage.sync()
    assert stage.heard() == everywhere(PLAIN)
    saved = stage.saved()
    assert saved is not None and saved.committed is None


# ---- killed


class Killed(BaseException):
    pass


def kill_at(stage: Stage, number: int, after: bool, patch: pytest.MonkeyPatch) -> None:
    """The agent dies in its nth call of the disk or of BIRD, before it is done or after."""
    calls = count(1)

    def dying(inner: Callable[..., Any]) -> Callable[..., Any]:
        def sync(*arguments: Any) -> Any:
            dies = next(calls) == number
            if dies and not after:
                raise Killed
            found = inner(*arguments)
            if dies:
                raise Killed
            return found

        async def wrapped(*arguments: Any) -> Any:
            dies = next(calls) == number
            if dies and not after:
                raise Killed
            found = await inner(*arguments)
            if dies:
                raise Killed
            return found

        return wrapped if asyncio.iscoroutinefunction(inner) else sync

    patch.setattr(file, "write_atomically", dying(write_atomically))
    for name in ("configure", "members", "protocols", "filtered", "exported", "reload_out"):
        patch.setattr(stage.bird, name, dying(getattr(stage.bird, name)))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("before", "step"), [("serve", "withdraw"), ("withdraw", "prefer"), ("prefer", "serve")]
)
def test_killed_anywhere_the_next_one_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Step, step: Step, after: bool
) -> None:
    for number in count(1):
        (folder := tmp_path / str(number)).mkdir()
        stage = Stage(folder)
        stage.commit(before)
        stage.sync()
        stage.commit(step)
        with monkeypatch.context() as patch:
            kill_at(stage, number, after, patch)
            try:
                stage.sync()
                break
            except Killed:
                pass
        stage.restart()
        done = stage.sync()
        assert stage.heard() == HEARD[step] and stage.conf.read_text() == conf_of(step)
        assert done and done.verified
        stage.orders = None  # and now the store goes as well
        stage.restart()
        stage.sync()
        assert stage.heard() == HEARD[step]
    assert number > 8, "it was killed at each of its calls"


def test_bird_is_not_told_what_the_disk_did_not_take(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.sync()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_atomically", full)
    stage.commit("withdraw")
    with pytest.raises(OSError, match="No space"):
        stage.sync()
    assert stage.heard() == everywhere(PLAIN)
    assert not stage.told[-1].verified and "No space" in stage.told[-1].amiss


# ---- BIRD


def test_bird_away_is_a_failure_and_nothing_else(stage: Stage) -> None:
    stage.sync()
    stage.bird.there = False
    stage.commit("withdraw")
    for _ in range(2):
        with pytest.raises(Unreachable):
            stage.sync()
    assert stage.told[-1] == stage.told[-2] and not stage.told[-1].verified
    assert stage.told[-1].amiss == "nobody answers"
    stage.bird.there = True
    done = stage.sync()
    assert done and done.verified and stage.heard() == everywhere(None)


def test_a_bird_that_restarted_follows_from_the_file(stage: Stage) -> None:
    stage.commit("withdraw")
    stage.sync()
    stage.bird.told, stage.bird.running = {}, stage.conf.read_text()
    calls = list(stage.bird.calls)
    done = stage.sync()
    assert done and done.verified and stage.bird.calls == calls


def test_a_configuration_that_does_not_include_the_file_is_told(stage: Stage) -> None:
    stage.bird.takes_up = False
    for _ in range(2):
        with pytest.raises(Refused, match=r"does not run on .*steer\.conf; configure: done"):
            stage.sync()
    assert not stage.told[-1].verified


def test_filters_that_do_not_use_the_sets_are_told(stage: Stage) -> None:
    stage.bird.follows = False
    stage.commit("withdraw")
    with pytest.raises(Refused, match=f"up_x4: {A} is announced"):
        stage.sync()
    assert not stage.told[-1].verified and f"up_x4: {A} is announced" in stage.told[-1].amiss


def test_a_reconfiguration_in_progress_is_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.sync()
    stage.settle_s = 60.0
    stage.restart()
    stage.bird.said, stage.bird.takes_up = "queued", False
    asked, members = count(), stage.bird.members

    async def later(those: Sequence[tuple[Prefix, str]]) -> tuple[bool, ...]:
        if next(asked) == 3:
            stage.bird.running = stage.conf.read_text()
            stage.bird.feed()
        return await members(those)

    monkeypatch.setattr(stage.bird, "members", later)
    stage.commit("withdraw")
    done = stage.sync()
    assert done and done.verified and stage.bird.calls == ["configure"] * 2


def test_a_peer_that_hears_it_a_little_later_is_waited_for(stage: Stage) -> None:
    stage.sync()
    stage.settle_s, stage.bird.slow = 60.0, 3
    stage.restart()
    stage.commit("prefer")
    done = stage.sync()
    assert done and done.verified and stage.heard() == everywhere(MARKED)
    assert stage.bird.calls == ["configure"] * 2, "and not helped along"


@pytest.mark.parametrize("step", STEPS)
def test_a_filter_that_was_changed_and_not_fed_is_fed(stage: Stage, step: Step) -> None:
    """Somebody's `configure soft`: no later `configure` finds a difference."""
    stage.commit("withdraw" if step == "serve" else "serve")
    stage.sync()
    stage.commit(step)
    stage.conf.write_text(conf_of(step))
    stage.bird.running = conf_of(step)
    assert stage.heard() != HEARD[step]
    done = stage.sync()
    assert done and done.verified and stage.heard() == HEARD[step]
    assert stage.bird.calls[1:] == ["reload out up_x4", "reload out up_x6"]


@pytest.mark.parametrize("restored", [False, True])
def test_what_somebody_wrote_into_the_file_is_put_right(stage: Stage, restored: bool) -> None:
    """BIRD has read it; restored: and the file was put back, but not into BIRD."""
    stage.commit("prefer")
    stage.sync()
    stage.conf.write_text(text(Steered((), (A,))))
    asyncio.run(stage.bird.configure())
    if restored:
        stage.conf.write_text(conf_of("prefer"))
    done = stage.sync()
    assert done and done.verified and stage.heard() == everywhere(MARKED)
    assert stage.conf.read_text() == stage.bird.running == conf_of("prefer")


def test_without_a_proxy_nothing_is_announced_and_that_is_no_failure(stage: Stage) -> None:
    stage.sync()
    stage.bird.anchor = False
    stage.bird.feed()
    calls = list(stage.bird.calls)
    for _ in range(2):
        done = stage.sync()
        assert done and not done.verified and done.amiss.startswith(f"up_x4: {A} is not announced")
    assert stage.bird.calls == calls
    stage.commit("prefer")
    done = stage.sync()
    assert done and done.verified, "a site without proxies is emptied like any other"


def test_a_session_that_is_down_is_not_asked(stage: Stage) -> None:
    stage.bird.state |= {"up_x4": "start", "up_x6": "start"}
    done = stage.sync()
    assert done and not done.verified
    assert done.amiss == "no IPv4 session with an upstream is up; no IPv6 session with an upstream is up"
    stage.commit("withdraw")
    done = stage.sync()
    assert done and done.verified
    stage.bird.state |= {"up_x4": "up", "up_x6": "up"}
    done = stage.sync()
    assert done and done.verified and stage.heard() == everywhere(None), "one that comes up follows too"


def test_a_site_that_announces_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.bird.anchor = False
    stage.do("withdraw")
    orders = stage.orders
    told: list[Done] = []
    steer = RouterSteer(
        "a", "r", (), stage.bird, lambda: orders, told.append, tmp_path, now=lambda: 100.0, boot="b"
    )
    asyncio.run(steer.reconcile(frozenset(steer.keys())))
    assert stage.stands() == Steered() and told[-1].verified
    stage.conf.write_text(conf_of("withdraw"))
    asyncio.run(stage.bird.configure())
    asyncio.run(steer.reconcile(frozenset(steer.keys())))
    assert stage.bird.running == stage.conf.read_text() == text(Steered())


def test_records_of_the_store_that_cannot_be(stage: Stage) -> None:
    """Whatever stands there: no withdrawal of it, and no crash."""
    nan = float("nan")
    for doing in (Doing("a", "withdraw", "p1", -1, nan), Doing("a", "withdraw", "p1", 2**70, float("inf"))):
        stage.orders = Orders(None, doing, (PermitRef("p1", "", "a", nan),), nan)
        done = stage.sync()
        assert done and done.step == "serve" and stage.heard() == everywhere(PLAIN)
    stage.orders = Orders(Committed("a", "prefer", "", "", nan), None, (), nan)
    stage.sync()
    assert stage.heard() == everywhere(MARKED)
