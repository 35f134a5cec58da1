"""The loop that runs a controller, in a time that does not pass by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from tests.agent.control_kit import events, lines, now, run, silent, until

from trimtab.agent.runtime.loop import Loop
from trimtab.agent.runtime.metrics import Metrics
from trimtab.agent.runtime.queue import Pace
from trimtab.agent.runtime.result import DONE, Result
from trimtab.errors import Terminal, Unreachable


class Recorder:
    """Remembers what it was asked; `reply` says what comes of it."""

    name = "recorder"

    def __init__(self) -> None:
        self.seen: list[tuple[float, frozenset[str]]] = []
        self.reply: Exception | Result = DONE
        self.takes, self.running = 0.0, 0

    def keys(self) -> Collection[str]:
        return ("a", "b")

    async def reconcile(self, keys: frozenset[str]) -> Result:
        self.running += 1
        assert self.running == 1, "one reconcile at a time"
        self.seen.append((now(), keys))
        await asyncio.sleep(self.takes)
        self.running -= 1
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


async def started(controller: Recorder, pace: Pace) -> tuple[Loop, asyncio.Task[None], object]:
    log, stream = silent()
    loop = Loop(controller, pace, log, Metrics(), lambda: 0.5)
    return loop, asyncio.create_task(loop.run()), stream


def test_all_keys_at_the_start_and_at_each_resync() -> None:
    async def work() -> None:
        recorder = Recorder()
        loop, task, _ = await started(recorder, Pace())
        await asyncio.sleep(25)
        loop.stop()
        await task
        assert [round(at - 1000, 2) for at, _ in recorder.seen] == [0.0, 10.0, 20.0] or len(
            recorder.seen
        ) == 3
        assert all(keys == {"a", "b"} for _, keys in recorder.seen)

    run(work())


def test_a_crash_is_retried_with_growing_pauses_and_said_with_its_traceback_once() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.reply = ZeroDivisionError("a defect")
        loop, task, stream = await started(recorder, Pace(resync=0.0))
        loop.mark(("a",))
        await asyncio.sleep(30)
        gaps = [round(b[0] - a[0], 2) for a, b in zip(recorder.seen, recorder.seen[1:], strict=False)]
        assert gaps[:5] == [0.08, 0.15, 0.3, 0.6, 1.2] or gaps[:3] == pytest.approx(
            [0.075, 0.15, 0.3], abs=0.01
        )
        assert max(gaps) <= 5.0
        assert events(stream) == ["controller crashed"]  # type: ignore[arg-type]
        assert "ZeroDivisionError" in lines(stream)[0]["traceback"]  # type: ignore[arg-type]
        recorder.reply = DONE
        await asyncio.sleep(6)
        assert events(stream)[-1] == "works again"  # type: ignore[arg-type]
        loop.stop()
        await task

    run(work())


def test_one_key_that_fails_does_not_hold_up_the_others() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.reply = Result({"a": Unreachable("no")})
        loop, task, stream = await started(recorder, Pace(resync=0.0))
        loop.mark(("a", "b"))
        await asyncio.sleep(1)
        assert recorder.seen[0][1] == {"a", "b"}
        assert all(keys == {"a"} for _, keys in recorder.seen[1:])
        assert loop.failing() == {"a": "no"}
        assert events(stream) == ["failed, tried again"]  # type: ignore[arg-type]
        loop.stop()
        await task

    run(work())


def test_stopping_waits_for_the_reconcile_under_way() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.takes = 2.0
        loop, task, _ = await started(recorder, Pace(resync=0.0))
        loop.mark(("a",))
        await until(lambda: recorder.running)
        loop.stop()
        await task
        assert recorder.running == 0

    run(work())


def test_a_reconcile_that_hangs_fails_at_its_limit() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.takes = 1e6
        loop, task, _ = await started(recorder, Pace(resync=0.0, limit=3.0))
        loop.mark(("a",))
        await until(lambda: loop.failing(), 10)
        loop.stop()
        task.cancel()

    run(work())


def test_what_is_asked_for_again_is_done_again_once_and_nothing_has_failed() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.reply = Result(requeue_after_s={"a": 2.0})
        loop, task, stream = await started(recorder, Pace(window=0.0, resync=0.0))
        loop.mark(("a", "b"))
        await asyncio.sleep(1)
        recorder.reply = DONE
        await asyncio.sleep(30)
        assert [(at - 1000, keys) for at, keys in recorder.seen] == [(0.0, {"a", "b"}), (2.0, {"a"})]
        assert not loop.failing() and not events(stream)  # type: ignore[arg-type]
        loop.stop()
        await task

    run(work())


def test_what_retrying_cannot_mend_is_said_once_and_left_alone_until_it_is_marked() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.reply = Result({"a": Terminal("no such value", "mend it")})
        loop, task, stream = await started(recorder, Pace(window=0.0, resync=0.0))
        loop.mark(("a", "b"))
        await asyncio.sleep(600)
        assert len(recorder.seen) == 1 and loop.failing() == {"a": "no such value"}
        for _ in range(2):
            loop.mark(("a",))
            await asyncio.sleep(600)
        assert [keys for _, keys in recorder.seen] == [{"a", "b"}, {"a"}, {"a"}]
        assert events(stream) == ["failed, left alone until it changes"]  # type: ignore[arg-type]
        recorder.reply = DONE
        loop.mark(("a",))
        await asyncio.sleep(1)
        assert not loop.failing() and events(stream)[-1] == "works again"  # type: ignore[arg-type]
        loop.stop()
        await task

    run(work())


def test_a_terminal_error_that_is_raised_is_of_all_keys() -> None:
    async def work() -> None:
        recorder = Recorder()
        recorder.reply = Terminal("nothing can be read")
        loop, task, _ = await started(recorder, Pace(window=0.0, resync=10.0, jitter=0.0))
        await asyncio.sleep(25)
        assert [at - 1000 for at, _ in recorder.seen] == [0.0, 10.0, 20.0], (
            "the resync looks again, nothing else"
        )
        assert loop.failing().keys() == {"a", "b"}
        loop.stop()
        await task

    run(work())
